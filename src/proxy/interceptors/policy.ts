import { describeDeciding } from '../../bindings/describePolicy';
import { judge } from '../../bindings/judge';
import type { Policy, ToolLookup } from '../../bindings/policy';
import type { Server } from '../../bindings/server';
import type { Call, Interceptor } from '../call';
import type { Consent } from '../consent';
import type { ShownCall } from '../guard/mask';
import { cancelledBy, stringAt } from '../jsonRpc';
import type { Request } from '../jsonRpc';

/** What the policy needs of the rest. */
export interface PolicyOptions {
  readonly tools: ToolLookup;
  readonly consent: Consent;
  /** What a person may see of a call. */
  readonly show: (tool: string, args: unknown) => Promise<ShownCall>;
}

/** Lets through the tool calls that the policy of their server allows; asks a person where it says so. */
export function policy(options: PolicyOptions): Interceptor {
  return {
    incoming: (message, agent, server, session) => {
      const id = cancelledBy(message);
      if (id !== undefined && server.policy !== undefined) options.consent.withdraw(agent, server.name, session, id);
    },
    before: (call, server, request) => {
      if (server.policy === undefined || request.method !== 'tools/call') return undefined;
      return admit(call, server, server.policy, request, options);
    },
  };
}

/** @throws SecretsError as `judge` and `Consent.get`. */
function admit(call: Call, server: Server, policy: Policy, { params }: Request, options: PolicyOptions): Promise<void> | undefined {
  const args = (params as { readonly arguments?: unknown } | null | undefined)?.arguments;
  const asked = { agent: call.agent, server, tool: stringAt(params, 'name'), arguments: args, body: () => call.body?.toString() };
  const { action, rule, tool } = judge(policy, asked, options.tools);
  if (action === 'allow') return undefined;
  return options.consent.get(call, { server, tool, agent: call.agent, rule }, async () => ({
    rule: describeDeciding(policy, rule),
    ...(await options.show(tool, args ?? {})),
  }));
}
