import { SecretsError } from '../shared/errors';
import { visible } from '../shared/visible';
import { violation } from './argumentsSchema';
import type { ArgumentsSchema } from './argumentsSchema';
import { decide } from './policy';
import type { Decision, Policy, ToolLookup } from './policy';
import type { Server } from './server';

/** A tool call as its server would read it. */
export interface ToolCall {
  readonly agent: string;
  readonly server: Server;
  /** `undefined`: it has no name that is a text. */
  readonly tool: string | undefined;
  /** `undefined`: none. */
  readonly arguments: unknown;
}

/** A call that may be made, if `ask` only with a person's consent. */
export interface Admitted extends Decision {
  readonly action: 'allow' | 'ask';
  readonly tool: string;
}

/**
 * What a policy says to a call and its arguments.
 * @throws SecretsError `policyDenied`, `policyArguments`; `toolNameUnclear` for a name that is none or that looks like another one.
 */
export function judge(policy: Policy, call: ToolCall, tools: ToolLookup): Admitted {
  const { agent, tool } = call;
  const server = call.server.name;
  if (tool === undefined || tool !== visible(tool).trim()) throw new SecretsError('toolNameUnclear', { server });
  const { action, rule, constraints } = decide(policy, { agent, server: call.server, tool }, tools);
  if (action === 'deny') throw new SecretsError('policyDenied', { server, tool, ...numbered(rule), ...reasonOf(policy, rule) });
  for (const constraint of constraints) {
    const schema = policy.rules[constraint - 1]?.arguments;
    const why = schema === undefined ? undefined : problemWith(call.arguments ?? {}, schema);
    if (why !== undefined)
      throw new SecretsError('policyArguments', { server, tool, rule: constraint, why, ...reasonOf(policy, constraint) });
  }
  return { action, rule, constraints, tool };
}

/** Arguments that are no object could mean anything to a server (MCP has objects only). */
function problemWith(args: unknown, schema: ArgumentsSchema): string | undefined {
  return typeof args === 'object' && args !== null && !Array.isArray(args) ? violation(schema, args) : 'The whole must be an object.';
}

function numbered(rule: number | undefined): { rule?: number } {
  return rule === undefined ? {} : { rule };
}

function reasonOf(policy: Policy, rule: number | undefined): { reason?: string } {
  const reason = rule === undefined ? undefined : policy.rules[rule - 1]?.reason;
  return reason === undefined ? {} : { reason };
}
