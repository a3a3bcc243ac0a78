import * as z from 'zod';
import { lazily } from '../shared/lazily';
import { patternsProblem, schemaProblems } from './argumentsSchema';
import type { ArgumentsSchema } from './argumentsSchema';
import { HINTS } from './policy';
import type { Policy, PolicyRule } from './policy';

const MAX_RULES = 200;
/** In one list. */
const MAX_PATTERNS = 100;
/** Of tools and agents, in all rules. Each call is compared with them, so they take time from it. */
const MAX_ALL_PATTERNS = 1_000;

/** One pattern or several: `*` stands for any characters, `?` for one. */
export const patterns = lazily(() => {
  const pattern = z.string().min(1, { error: 'This must not be empty.' }).max(200, { error: 'A pattern has at most 200 characters.' });
  const list = z.array(pattern).min(1, { error: 'This must not be empty.' }).max(MAX_PATTERNS);
  return z.union([pattern, list], {
    error: `This must be a pattern of 1 to 200 characters, or a list of at most ${String(MAX_PATTERNS)} of them.`,
  });
});

const action = lazily(() =>
  z
    .enum(['allow', 'ask', 'deny'], { error: 'The action must be "allow", "ask" or "deny".' })
    .meta({ description: '"ask": you are asked; without an editor it is a refusal that says how to allow the call.' }),
);

const rule = lazily(() => {
  const hint = z.boolean().optional();
  return z.strictObject({
    action: action(),
    tools: patterns().optional().meta({ description: 'Names of tools; * stands for any characters, ? for one. Default: all.' }),
    annotations: z
      .strictObject({ readOnly: hint, destructive: hint, idempotent: hint, openWorld: hint })
      .optional()
      .meta({ description: 'What the server says of the tool. Where it says nothing, the strictest outcome is taken.' }),
    agents: patterns().optional().meta({ description: 'Names of agents, such as "Claude*". Default: all.' }),
    arguments: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'JSON Schema that the arguments must meet, or the call is refused.' }),
    reason: z.string().min(1).max(300, { error: 'A reason has at most 300 characters.' }).optional().meta({
      description: 'Why. Agents are told when a call is refused.',
    }),
  });
});

/** The policy of a server in the servers file. */
export const policySchema = lazily(() =>
  z
    .strictObject({
      default: action().optional().meta({ description: 'For calls that no rule is about. Default: "allow".' }),
      rules: z
        .array(rule())
        .max(MAX_RULES, { error: `There can be ${String(MAX_RULES)} rules at most.` })
        .optional()
        .meta({ description: 'The first rule that is about a call decides.' }),
    })
    .meta({ description: 'What agents may do with the tools of this server.' }),
);

/** As `z.infer` has it. */
export type PolicyFields = z.infer<ReturnType<typeof policySchema>>;

/** Patterns as a list. */
export function listOf(given: string | readonly string[]): readonly string[] {
  return typeof given === 'string' ? [given] : given;
}

/**
 * The policy that the fields describe.
 * @param fail hears of what the shape alone does not show, with the path from the policy down.
 */
export function toPolicy(fields: PolicyFields, fail: (message: string, path: readonly (string | number)[]) => void): Policy {
  const schemas: ArgumentsSchema[] = [];
  const rules = (fields.rules ?? []).map((given, index): PolicyRule => {
    const { action, tools, agents, annotations, arguments: schema, reason } = given;
    const place = ['rules', index, 'arguments'];
    if (schema !== undefined && action === 'deny')
      fail('A rule that denies refuses every call that it is about: "arguments" would change nothing. Use "allow" or "ask".', place);
    const problems = schema === undefined ? [] : schemaProblems(schema);
    for (const { message, path } of problems) fail(message, [...place, ...path]);
    if (schema !== undefined && problems.length === 0) schemas.push(schema);
    const hints = Object.entries(annotations ?? {}).filter(([name, value]) => name in HINTS && value !== undefined);
    return {
      action,
      ...(tools === undefined ? {} : { tools: listOf(tools) }),
      ...(agents === undefined ? {} : { agents: listOf(agents) }),
      ...(hints.length === 0 ? {} : { annotations: Object.fromEntries(hints) }),
      ...(schema === undefined ? {} : { arguments: schema }),
      ...(reason === undefined ? {} : { reason }),
    };
  });
  const count = rules.reduce((sum, { tools = [], agents = [] }) => sum + tools.length + agents.length, 0);
  if (count > MAX_ALL_PATTERNS)
    fail(`The rules have ${String(count)} patterns of tools and agents. There can be 1,000 at most.`, ['rules']);
  const problem = patternsProblem(schemas);
  if (problem !== undefined) fail(problem, ['rules']);
  return { default: fields.default ?? 'allow', rules };
}
