import type { RequestId } from '../jsonRpc';
import type { Visit } from '../visit';

/** Requests that are remembered of one stream at most: a server can make any number of them. */
const MAX_ASKED = 1_000;

/** Which sessions wait because their server has asked the agent something, so that waiting for a person is not taken for a failure. */
export class Asking {
  readonly #asked = new Map<Visit, Set<RequestId>>();

  /** A server asks on the stream of a visit. */
  ask(visit: Visit, id: RequestId): void {
    const ids = this.#asked.get(visit) ?? new Set();
    if (ids.size < MAX_ASKED) this.#asked.set(visit, ids.add(id));
  }

  /** An agent has answered, in the visit that is given. */
  answered(post: Visit, id: RequestId): void {
    for (const [visit, ids] of this.#asked) {
      if (!isSameSession(visit, post) || !ids.delete(id)) continue;
      if (ids.size === 0) this.#asked.delete(visit);
      return;
    }
  }

  /** Whether the server of a visit waits for the agent, on whichever stream it has asked. */
  isAsking(visit: Visit): boolean {
    for (const other of this.#asked.keys()) if (isSameSession(other, visit)) return true;
    return false;
  }

  /** The stream of a visit has ended. */
  over(visit: Visit): void {
    this.#asked.delete(visit);
  }
}

function isSameSession(a: Visit, b: Visit): boolean {
  return a.agent === b.agent && a.server.name === b.server.name && a.session?.id === b.session?.id;
}
