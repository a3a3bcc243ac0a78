import type { Call } from '../call';
import type { RequestId } from '../jsonRpc';
import type { Visit } from '../visit';

interface Parked {
  readonly call: Call;
  readonly session: string | undefined;
  readonly giveUp: () => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Calls whose stream has ended before the answer, and can be taken up again by the agent with `Last-Event-ID` (MCP 2025-11-25,
 * Streamable HTTP, resumability). The answer then comes on another stream of the same session.
 */
export class ParkedCalls {
  readonly #parked = new Map<string, Parked>();

  /** Keeps a call. @param giveUp is called if its answer has not come after so many ms. */
  park(visit: Visit, call: Call, ms: number, giveUp: () => void): void {
    const key = keyOf(visit, call.id);
    // The agent has used the id again: the first answer is not waited for any more.
    this.#remove(key)?.giveUp();
    const timer = setTimeout(() => {
      this.#remove(key)?.giveUp();
    }, ms).unref();
    this.#parked.set(key, { call, session: visit.session?.id, giveUp, timer });
  }

  /** The call that an answer on another stream is for. */
  of(visit: Visit, id: RequestId): Call | undefined {
    return this.#parked.size === 0 ? undefined : this.#parked.get(keyOf(visit, id))?.call;
  }

  /** A call is kept no longer. */
  forget(visit: Visit, id: RequestId): void {
    if (this.#parked.size > 0) this.#remove(keyOf(visit, id));
  }

  /** A session has ended: nobody comes back for its calls. */
  giveUp(session: string): void {
    for (const [key, parked] of this.#parked) if (parked.session === session) this.#remove(key)?.giveUp();
  }

  #remove(key: string): Parked | undefined {
    const parked = this.#parked.get(key);
    clearTimeout(parked?.timer);
    this.#parked.delete(key);
    return parked;
  }
}

function keyOf({ agent, server, session }: Visit, id: RequestId): string {
  return JSON.stringify([agent, server.name, session?.id, id]);
}
