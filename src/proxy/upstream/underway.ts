import { Roster } from '../../shared/roster';
import { cancelledBy } from '../jsonRpc';
import type { Pipeline } from '../pipeline';
import type { Post } from '../visit';

interface Entry {
  readonly post: Post;
  /** Breaks off the upstream's side of the post. */
  readonly stop: () => void;
}

/** The posts under way at HTTP upstreams, so that a cancelled call ends: servers do not answer it (MCP, cancellation). */
export class Underway {
  readonly #entries = new Roster<Entry>();

  /** Remembers a post. Returns the means to forget it. @param stop breaks off the upstream's side of it. */
  begin(post: Post, stop: () => void): () => void {
    return this.#entries.add({ post, stop });
  }

  /** Ends the calls that a post, which the upstream has got, cancels. Other calls of the same batch are ended with them. */
  cancel(post: Post, pipeline: Pipeline): void {
    for (const message of post.messages) {
      const id = cancelledBy(message);
      if (id === undefined) continue;
      // Where there are no sessions, two windows of an agent can use one id: the last one is meant.
      const entry = [...this.#entries].findLast((one) => isOfOne(one.post, post) && one.post.calls.some((call) => call.id === id));
      const call = entry?.post.calls.find((one) => one.id === id);
      if (entry === undefined || call === undefined) continue;
      pipeline.end(call, { outcome: 'error', errorKind: 'cancelled' });
      entry.post.reply.end();
      entry.stop();
    }
  }
}

/** Whether two posts are of one conversation: ids mean something there only. */
function isOfOne(one: Post, other: Post): boolean {
  return one.agent === other.agent && one.server.name === other.server.name && one.session?.id === other.session?.id;
}
