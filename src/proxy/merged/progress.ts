import { objectAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';

/** Tasks whose tokens are remembered; the oldest are forgotten. */
const MAX_TASKS = 4_096;

/**
 * Which servers may tell of progress under which of the agent's tokens: those that work on a request with it, also as a task after
 * its answer (MCP 2025-11-25, tasks). All servers share the tokens of one agent, which can be guessed.
 */
export class ProgressTokens {
  /** How many requests are under way, by server and token. */
  readonly #underWay = new Map<string, number>();
  readonly #tasks = new Set<string>();

  /** A request goes to a server. Returns what has to be called when it is over, with its answer if it has one. */
  begin(server: string, { params }: Request): (answer?: Message) => void {
    const token = objectAt(params, '_meta')?.progressToken;
    if (token === undefined) return () => undefined;
    const key = keyOf(server, token);
    this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
    return (answer) => {
      const left = (this.#underWay.get(key) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(key);
      else this.#underWay.set(key, left);
      if (objectAt(answer?.result, 'task') !== undefined) this.#keep(key);
    };
  }

  /** Whether a server may tell of progress: it works on what that is for. */
  allow(server: string, { params }: Message): boolean {
    const key = keyOf(server, (params as { readonly progressToken?: unknown } | null | undefined)?.progressToken);
    return this.#underWay.has(key) || this.#tasks.has(key);
  }

  #keep(key: string): void {
    this.#tasks.add(key);
    const [oldest] = this.#tasks;
    if (this.#tasks.size > MAX_TASKS && oldest !== undefined) this.#tasks.delete(oldest);
  }
}

function keyOf(server: string, token: unknown): string {
  return JSON.stringify([server, token]);
}
