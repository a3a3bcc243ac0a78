import { visible } from '../shared/visible';
import type { Policy, PolicyRule } from './policy';

/** A policy in lines for people, with everything invisible made visible. */
export function describePolicy({ default: otherwise, rules }: Policy): string[] {
  const lines = rules.map((rule, index) => `Rule ${String(index + 1)}: ${describeRule(rule)}`);
  return [...lines, `${rules.length > 0 ? 'Other calls' : 'Calls'}: ${otherwise}`];
}

/** One rule in words: `deny delete_*, destructive, by Claude*, because "…"`. */
export function describeRule({ action, tools, annotations, agents, arguments: schema, reason }: PolicyRule): string {
  const hints = Object.entries(annotations ?? {}).map(([name, value]) => `${value ? '' : 'not '}${name}`);
  return [
    `${action} ${tools === undefined ? 'all tools' : quoted(tools)}`,
    ...(hints.length > 0 ? [`that the server calls ${hints.join(' and ')}`] : []),
    ...(agents === undefined ? [] : [`for ${quoted(agents)}`]),
    ...(schema === undefined ? [] : [`only with arguments ${visible(JSON.stringify(schema))}`]),
    ...(reason === undefined ? [] : [`because "${visible(reason)}"`]),
  ].join(', ');
}

/** The rule that decides, in words. @param number counted from 1; `undefined`: the default. */
export function describeDeciding({ default: otherwise, rules }: Policy, number: number | undefined): string {
  const rule = number === undefined ? undefined : rules[number - 1];
  return rule === undefined ? `Default: ${otherwise}` : `Rule ${String(number)}: ${describeRule(rule)}`;
}

function quoted(patterns: readonly string[]): string {
  return patterns.map(visible).join(' | ');
}
