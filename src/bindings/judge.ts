import { SecretsError } from '../shared/errors';
import { visible } from '../shared/visible';
import { inexactness, violation } from './argumentsSchema';
import type { ArgumentsSchema } from './argumentsSchema';
import { inexactNumber } from './exactNumbers';
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
  /** The JSON that goes on to the server, if it is not made anew from the arguments. Asked for where they must be something. */
  readonly body?: (() => string | undefined) | undefined;
}

/** UTF-16 units of a tool's name. Longer ones are in no list that agents get (tool.ts), and take their time with patterns. */
const MAX_TOOL_NAME = 256;

/** A call that may be made, if `ask` only with a person's consent. */
export interface Admitted extends Decision {
  readonly action: 'allow' | 'ask';
  readonly tool: string;
}

/**
 * What a policy says to a call and its arguments.
 * @throws SecretsError `policyDenied`, `policyArguments`; `toolNameUnclear` for a name that is none, is very long or looks like another one.
 */
export function judge(policy: Policy, call: ToolCall, tools: ToolLookup): Admitted {
  const { agent, tool } = call;
  const server = call.server.name;
  if (tool === undefined || tool.length > MAX_TOOL_NAME || tool !== visible(tool).trim())
    throw new SecretsError('toolNameUnclear', { server });
  const { action, rule, constraints } = decide(policy, { agent, server: call.server, tool }, tools);
  if (action === 'deny') throw new SecretsError('policyDenied', { server, tool, ...numbered(rule), ...reasonOf(policy, rule) });
  for (const constraint of constraints) {
    const schema = policy.rules[constraint - 1]?.arguments;
    const why = schema === undefined ? undefined : problemWith(call, schema);
    if (why !== undefined)
      throw new SecretsError('policyArguments', { server, tool, rule: constraint, why, ...reasonOf(policy, constraint) });
  }
  return { action, rule, constraints, tool };
}

function problemWith({ arguments: args = {}, body }: ToolCall, schema: ArgumentsSchema): string | undefined {
  // Arguments that are no object could mean anything to a server (MCP has objects only).
  if (typeof args !== 'object' || Array.isArray(args)) return 'The whole must be an object.';
  const wrong = violation(schema, args ?? {});
  if (wrong !== undefined) return wrong;
  const inexact = inexactNumber(args, body?.());
  return inexact === undefined ? undefined : inexactness(inexact);
}

function numbered(rule: number | undefined): { rule?: number } {
  return rule === undefined ? {} : { rule };
}

function reasonOf(policy: Policy, rule: number | undefined): { reason?: string } {
  const reason = rule === undefined ? undefined : policy.rules[rule - 1]?.reason;
  return reason === undefined ? {} : { reason };
}
