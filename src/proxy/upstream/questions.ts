import { objectAt } from '../jsonRpc';
import type { Request, RequestId } from '../jsonRpc';

/** Requests that are remembered at most: a server can make any number of them. */
const MAX_QUESTIONS = 1_000;

interface Question<P> {
  readonly peer: P;
  /** As the server knows it. */
  readonly id: RequestId;
  readonly progressToken: unknown;
}

/**
 * The requests of servers that wait for the agent's answer, in one session. While a connection is replaced there are
 * two, which both count from zero: the second request with the same id is shown to the agent under another one.
 */
export class Questions<P> {
  readonly #open = new Map<RequestId, Question<P>>();
  #renamed = 0;

  /** A server asks. @returns the id under which the agent may see it. */
  ask(peer: P, { id, params }: Request): RequestId {
    const other = this.#open.get(id);
    if (this.#open.size >= MAX_QUESTIONS) return id;
    const shown = other === undefined || other.peer === peer ? id : `mcp-secrets/${String((this.#renamed += 1))}`;
    this.#open.set(shown, { peer, id, progressToken: objectAt(params, '_meta')?.progressToken });
    return shown;
  }

  /** The agent answers. @returns who asked, and its id there; `undefined` if nobody did. */
  answer(shown: RequestId): { readonly peer: P; readonly id: RequestId } | undefined {
    const question = this.#open.get(shown);
    this.#open.delete(shown);
    return question;
  }

  /** A server takes its request back. @returns the id under which the agent knows it. */
  cancel(peer: P, id: RequestId): RequestId {
    for (const [shown, question] of this.#open) {
      if (question.peer !== peer || question.id !== id) continue;
      this.#open.delete(shown);
      return shown;
    }
    return id;
  }

  /** Who asked what the agent tells its progress on. */
  ofProgress(token: unknown): P | undefined {
    if (token === undefined) return undefined;
    for (const question of this.#open.values()) if (question.progressToken === token) return question.peer;
    return undefined;
  }

  /** Whether one of a connection's requests waits. */
  isAsking(peer: P): boolean {
    for (const question of this.#open.values()) if (question.peer === peer) return true;
    return false;
  }

  /** Forgets the requests of a connection that is gone. */
  drop(peer: P): void {
    for (const [shown, question] of this.#open) if (question.peer === peer) this.#open.delete(shown);
  }
}
