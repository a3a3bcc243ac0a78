import { visible } from '../shared/visible';
import { FLAG_WORDS } from './toolFlags';
import type { ToolState } from './toolState';

/** Two texts for people, to be compared line by line: as it was accepted, and as it is offered. */
export interface Difference {
  readonly accepted: string;
  readonly offered: string;
}

/** What a person must see of what waits: every field, nothing hidden, in lines. */
export function differenceOf(states: readonly ToolState[]): Difference {
  return {
    accepted: states.map((state) => describe(state, 'accepted')).join('\n'),
    offered: states.map((state) => describe(state, 'offered')).join('\n'),
  };
}

function describe({ kind, name, flags, pin }: ToolState, side: 'accepted' | 'offered'): string {
  const text = pin[side];
  const heading =
    kind === 'tool' ? `Tool: ${visible(name)}` : kind === 'instructions' ? 'Instructions of the server' : 'Name of the server';
  const warnings = side === 'offered' ? flags.map((flag) => `Suspicious: it ${FLAG_WORDS[flag]}.`) : [];
  const body = text === undefined ? ['(nothing was accepted yet)'] : bodyOf(JSON.parse(text));
  return [heading, '='.repeat(heading.length), ...warnings, '', ...body, ''].join('\n');
}

/** The texts that an agent reads first, as texts; then everything as JSON. */
function bodyOf(value: unknown): string[] {
  if (value === null) return ['(none)'];
  if (typeof value === 'string') return linesOf(value);
  if (typeof value !== 'object' || Array.isArray(value)) return jsonOf(value);
  const { description, ...rest } = value as Record<string, unknown>;
  return typeof description === 'string'
    ? ['Description:', ...linesOf(description), '', 'Everything else:', ...jsonOf(rest)]
    : jsonOf(value);
}

function jsonOf(value: unknown): string[] {
  return linesOf(JSON.stringify(value, undefined, 2));
}

/** Indented, so that no line can pass for one of ours, and broken, so that nothing is out of sight to the right. */
function linesOf(text: string): string[] {
  return text.split(/\r\n|\n/).flatMap((line) => {
    const [first = '', ...rest] = line.match(PIECES) ?? [];
    return [`  ${visible(first)}`, ...rest.map((piece) => `      ${visible(piece)}`)];
  });
}

/** Broken at blanks, where there are any. */
const PIECES = /.{1,63}(?:\s|$)|.{1,64}/gsu;
