import type { Call } from '../call';
import type { Reply } from '../front/reply';
import { cancelledBy } from '../jsonRpc';
import type { RequestId } from '../jsonRpc';
import type { Pipeline } from '../pipeline';
import type { Post, Visit } from '../visit';

interface Entry {
  readonly call: Call;
  readonly reply: Reply;
  stop: () => void;
}

/** The calls under way at HTTP upstreams, so that a cancelled one ends: servers do not answer it (MCP, cancellation). */
export class Underway {
  readonly #calls = new Map<string, Entry>();

  /** Remembers the calls of a post. Returns the means to forget them. */
  begin(post: Post): () => void {
    const keys = post.calls.map((call) => keyOf(post, call.id));
    for (const [index, call] of post.calls.entries()) {
      this.#calls.set(keys[index] ?? '', { call, reply: post.reply, stop: () => undefined });
    }
    return () => {
      for (const key of keys) if (this.#calls.get(key)?.reply === post.reply) this.#calls.delete(key);
    };
  }

  /** Is told how to break off the upstream's side of a post. */
  stoppable(visit: Visit, stop: () => void): void {
    for (const entry of this.#calls.values()) if (entry.reply === visit.reply) entry.stop = stop;
  }

  /** Ends the calls that a post, which the upstream has got, cancels. Other calls of the same batch are ended with them. */
  cancel(post: Post, pipeline: Pipeline): void {
    for (const message of post.messages) {
      const id = cancelledBy(message);
      const entry = id === undefined ? undefined : this.#calls.get(keyOf(post, id));
      if (entry === undefined) continue;
      pipeline.end(entry.call, { outcome: 'error', errorKind: 'cancelled' });
      entry.reply.end();
      entry.stop();
    }
  }
}

function keyOf({ agent, server, session }: Visit, id: RequestId): string {
  return JSON.stringify([agent, server.name, session?.id, id]);
}
