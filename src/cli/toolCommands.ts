import { createTwoFilesPatch } from 'diff';
import { FLAG_WORDS } from '../bindings/toolFlags';
import { shownIn, toolStates, waitingStates } from '../bindings/toolState';
import type { ToolState } from '../bindings/toolState';
import { differenceOf } from '../bindings/toolText';
import { SecretsError } from '../shared/errors';
import { visible } from '../shared/visible';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { table } from './table';

const STANDINGS: Readonly<Record<ToolState['standing'], string>> = {
  accepted: 'accepted',
  changed: 'changed, blocked',
  flagged: 'suspicious, blocked',
  new: 'new, blocked',
};

/** `tools SERVER`: each tool of a server that is known, and whether agents get it. */
export function listTools(input: Arguments, name: string, { servers, pins }: Headless): string {
  allowOptions(input, ['json']);
  const states = toolStates(pins, servers.get(name));
  if (input.options.json === true)
    return `${JSON.stringify(states.map(({ kind, name: tool, standing, flags }) => ({ kind, name: tool, state: standing, flags })))}\n`;
  if (states.length === 0) return `Nothing is known of the tools of "${name}" yet: no agent has listed them.\n`;
  const rows = states
    .filter(isShown)
    .map(({ kind, name: tool, standing, flags }) => [
      kind === 'tool' ? tool : `(${tool})`,
      STANDINGS[standing],
      flags.map((flag) => FLAG_WORDS[flag]).join('; '),
    ]);
  return table(['TOOL', 'STATE', 'SUSPICIOUS'], rows);
}

/** `tools review SERVER`: how what is offered differs from what was accepted. */
export function reviewTools(input: Arguments, name: string, { servers, pins }: Headless): string {
  allowOptions(input, []);
  const states = waitingStates(pins, servers.get(name));
  if (states.length === 0) return `Nothing of "${name}" waits for a review.\n`;
  return `${patchOf(states)}\nAccept it with "mcp-secrets tools accept ${name}", or a tool of it with "mcp-secrets tools accept ${name} TOOL". Until then it is blocked.\n`;
}

/** `tools accept SERVER [TOOL…]`: accepts what waits, all or some of it, and shows what that was. */
export async function acceptTools(input: Arguments, name: string, only: readonly string[], { servers, pins }: Headless): Promise<string> {
  allowOptions(input, []);
  const server = servers.get(name);
  const waiting = waitingStates(pins, server);
  const unknown = only.find((tool) => !waiting.some((state) => state.name === tool));
  if (unknown !== undefined) throw new SecretsError('toolNotWaiting', { server: name, tool: unknown });
  const chosen = only.length === 0 ? waiting : waiting.filter((state) => only.includes(state.name));
  if (chosen.length === 0) return `Nothing of "${name}" waits for a review.\n`;
  await pins.accept(server, shownIn(chosen), 'cli');
  return `${patchOf(chosen)}\nAccepted: ${chosen.map((state) => visible(state.name)).join(', ')}. Agents get it when they list the tools again.\n`;
}

/** What a server says of itself is its own matter until it changes. */
function isShown({ kind, standing }: ToolState): boolean {
  return kind === 'tool' || standing !== 'accepted';
}

/** A unified difference, one for each. */
function patchOf(states: readonly ToolState[]): string {
  return states
    .map((state) => {
      const { accepted, offered } = differenceOf([state]);
      const name = visible(state.name).replace(/\s/g, '_');
      const patch = createTwoFilesPatch(`accepted/${name}`, `offered/${name}`, accepted, offered, undefined, undefined, { context: 1_000 });
      // Without the line that separates files.
      return patch.slice(patch.indexOf('\n') + 1);
    })
    .join('\n');
}
