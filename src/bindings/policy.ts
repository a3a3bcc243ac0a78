import { matchesAnyGlob } from '../shared/glob';
import type { ArgumentsSchema } from './argumentsSchema';
import type { Server } from './server';

/** What happens to a tool call. `ask`: a person is asked. */
export type PolicyAction = 'allow' | 'ask' | 'deny';

/** What a server may say of a tool (MCP, tool annotations), as it is written in a policy. */
export const HINTS = {
  readOnly: 'readOnlyHint',
  destructive: 'destructiveHint',
  idempotent: 'idempotentHint',
  openWorld: 'openWorldHint',
} as const;

/** The name of a hint in a policy. */
export type HintName = keyof typeof HINTS;

/** One rule. A condition that is not there is met by every call. */
export interface PolicyRule {
  readonly action: PolicyAction;
  /** Patterns of tool names: see `matchesGlob`. */
  readonly tools?: readonly string[];
  /** What the server must have said of the tool. */
  readonly annotations?: Readonly<Partial<Record<HintName, boolean>>>;
  /** Patterns of agents' names, in any case of letters. */
  readonly agents?: readonly string[];
  /** What the arguments must be. Not a condition: a call that the rule is about and that does not meet it is refused. */
  readonly arguments?: ArgumentsSchema;
  /** Why, in the user's words. Agents are told. */
  readonly reason?: string;
}

/** What agents may do with a server. */
export interface Policy {
  /** For calls that no rule is about. */
  readonly default: PolicyAction;
  readonly rules: readonly PolicyRule[];
}

/** What is known of the tools of servers. */
export interface ToolLookup {
  /** A tool as its server described it, if it did. */
  tool(server: Server, name: string): { readonly annotations?: unknown } | undefined;
}

/** A call, as far as a policy looks at it. */
export interface PolicyCall {
  readonly agent: string;
  readonly server: Server;
  readonly tool: string;
}

/** What a policy says to a call. */
export interface Decision {
  readonly action: PolicyAction;
  /** The number of the rule that decides, counted from 1; `undefined`: the default. */
  readonly rule: number | undefined;
  /** The rules (numbers as above) whose `arguments` must hold. */
  readonly constraints: readonly number[];
}

/**
 * What a policy says: the first rule that is about the call, else the default. What a server says of its tools is its word
 * only, and where it says nothing, a rule that depends on it counts both ways: the strictest outcome is taken.
 */
export function decide(policy: Policy, call: PolicyCall, tools: ToolLookup): Decision {
  let strictest: Omit<Decision, 'constraints'> | undefined;
  const constraints: number[] = [];
  const consider = (action: PolicyAction, rule: number | undefined): void => {
    if (strictest === undefined || STRICTNESS[action] > STRICTNESS[strictest.action]) strictest = { action, rule };
    if (rule !== undefined && policy.rules[rule - 1]?.arguments !== undefined) constraints.push(rule);
  };
  let decided = false;
  for (const [index, rule] of policy.rules.entries()) {
    const about = isAbout(rule, call, tools);
    if (about === 'no') continue;
    consider(rule.action, index + 1);
    decided = about === 'yes';
    if (decided) break;
  }
  if (!decided) consider(policy.default, undefined);
  const { action, rule } = strictest ?? { action: policy.default, rule: undefined };
  return { action, rule, constraints };
}

/** The rules (counted from 1; `undefined`: the default) that could ask about a tool, whoever calls it. */
export function rulesThatAsk(policy: Policy, tool: string): (number | undefined)[] {
  const rules = policy.rules.flatMap(({ action, tools }, index) =>
    action === 'ask' && (tools === undefined || matchesAnyGlob(tools, tool)) ? [index + 1] : [],
  );
  return policy.default === 'ask' ? [...rules, undefined] : rules;
}

const STRICTNESS: Readonly<Record<PolicyAction, number>> = { allow: 0, ask: 1, deny: 2 };

function isAbout({ tools, agents, annotations }: PolicyRule, call: PolicyCall, lookup: ToolLookup): 'yes' | 'no' | 'perhaps' {
  if (tools !== undefined && !matchesAnyGlob(tools, call.tool)) return 'no';
  if (agents !== undefined && !matchesAnyGlob(agents.map(lower), lower(call.agent))) return 'no';
  if (annotations === undefined) return 'yes';
  const said = lookup.tool(call.server, call.tool)?.annotations;
  let about: 'yes' | 'perhaps' = 'yes';
  for (const [name, wanted] of Object.entries(annotations)) {
    const hint = HINTS[name as HintName];
    const value = isObject(said) && Object.hasOwn(said, hint) ? said[hint] : undefined;
    if (typeof value !== 'boolean') about = 'perhaps';
    else if (value !== wanted) return 'no';
  }
  return about;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function lower(text: string): string {
  return text.toLowerCase();
}
