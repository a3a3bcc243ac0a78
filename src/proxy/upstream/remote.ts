import type { HttpServer } from '../../bindings/server';
import type { SecretsError } from '../../shared/errors';
import type { Session } from '../front/sessions';
import type { Post, Upstream, Visit } from '../visit';
import { ChannelSession } from './channelSession';
import { ChannelUpstream } from './channelUpstream';
import type { ChannelUpstreamOptions } from './channelUpstream';
import { HttpUpstream } from './http';
import type { HttpUpstreamOptions } from './http';
import { SseChannel } from './sseChannel';

/** What remote upstreams need of the rest. */
export type RemoteUpstreamOptions = HttpUpstreamOptions & Omit<ChannelUpstreamOptions<HttpServer>, 'open' | 'modes' | 'idleMs'>;

/** Remote upstreams: Streamable HTTP, or the old HTTP+SSE with one stream per session. */
export class RemoteUpstream implements Upstream {
  readonly #http: HttpUpstream;
  readonly #sse: ChannelUpstream<HttpServer>;

  constructor(options: RemoteUpstreamOptions) {
    this.#http = new HttpUpstream(options);
    this.#sse = new ChannelUpstream({
      ...options,
      modes: ['header', 'bearer'],
      // A stream costs next to nothing, and what the server says on it would be missed.
      idleMs: 0,
      open: (server, injection, listener) => SseChannel.open(server, injection, listener, options),
    });
  }

  post(post: Post): Promise<void> {
    return this.#of(post).post(post);
  }

  listen(visit: Visit): Promise<void> {
    return this.#of(visit).listen(visit);
  }

  end(session: Session, why?: SecretsError): Promise<void> {
    return session.state instanceof ChannelSession ? this.#sse.end(session, why) : this.#http.end(session);
  }

  /** For when secrets were changed: streams that were opened with a former value are replaced. */
  tend(): void {
    this.#sse.tend();
  }

  /** Ends every stream at once. */
  kill(why: SecretsError): void {
    this.#sse.kill(why);
  }

  #of({ server }: Visit): Upstream {
    return server.type === 'http' && server.transport === 'sse' ? this.#sse : this.#http;
  }
}
