import type { AboutField, Pin, Waiting } from './pinRules';
import type { Pins } from './pins';
import type { Server } from './server';
import type { Flag } from './toolFlags';

/** How a tool, or what a server says of itself, stands. Only `accepted` is passed on. */
export type ToolStanding = 'accepted' | 'changed' | 'flagged' | 'new';

/** One tool of a server, or one thing that the server says of itself, with what is known of it. */
export interface ToolState {
  readonly kind: 'tool' | AboutField;
  /** The tool's name, or the kind. */
  readonly name: string;
  readonly standing: ToolStanding;
  /** What is suspicious about what is offered. */
  readonly flags: readonly Flag[];
  readonly pin: Pin;
}

/** Everything that a server has ever offered and that is known, by name. What waits for a person comes first. */
export function toolStates(pins: Pins, server: Server): ToolState[] {
  const { tools, about } = pins.of(server);
  const states = [
    ...[...about].map(([kind, pin]) => stateOf(kind, kind, pin)),
    ...[...tools].map(([name, pin]) => stateOf('tool', name, pin)),
  ];
  return states.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** Those of them that wait for a person. */
export function waitingStates(pins: Pins, server: Server): ToolState[] {
  return toolStates(pins, server).filter(({ standing }) => standing !== 'accepted');
}

/** How many of them wait for a person. Quicker than to look at each. */
export function countWaiting(pins: Pins, server: Server): number {
  const { tools, about } = pins.of(server);
  let count = 0;
  for (const { offered } of [...tools.values(), ...about.values()]) if (offered !== undefined) count += 1;
  return count;
}

/** What was shown of them, for `Pins.accept`. */
export function shownIn(states: readonly ToolState[]): Waiting {
  const tools = new Map<string, string>();
  const about = new Map<AboutField, string>();
  for (const { kind, name, pin } of states) {
    if (pin.offered === undefined) continue;
    if (kind === 'tool') tools.set(name, pin.offered);
    else about.set(kind, pin.offered);
  }
  return { tools, about };
}

function stateOf(kind: ToolState['kind'], name: string, pin: Pin): ToolState {
  const { accepted, offered, flags = [] } = pin;
  const standing = offered === undefined ? 'accepted' : accepted !== undefined ? 'changed' : flags.length > 0 ? 'flagged' : 'new';
  return { kind, name, standing, flags, pin };
}

function rank({ kind, standing }: ToolState): number {
  return (standing === 'accepted' ? 2 : 0) + (kind === 'tool' ? 1 : 0);
}
