import type { IncomingHttpHeaders } from 'node:http';
import type { Server } from '../bindings/server';
import type { SecretsError } from '../shared/errors';
import type { Call } from './call';
import type { Reply } from './front/reply';
import type { Opener, Session } from './front/sessions';
import type { Message } from './jsonRpc';

/** What an agent asks of a server with one HTTP request. */
export interface Visit {
  readonly agent: string;
  readonly server: Server;
  /** The session that the agent named. */
  readonly session: Session | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly reply: Reply;
}

/** A visit that brings messages. */
export interface Post extends Visit {
  /** The body as it came. */
  readonly body: Buffer;
  /** The messages in it. */
  readonly messages: readonly Message[];
  /** Its requests, in order: each needs exactly one answer. */
  readonly calls: readonly Call[];
}

/**
 * One kind of upstream. Each method settles when its reply is over, or rejects with a SecretsError before
 * having answered; the relay then answers for it.
 */
export interface Upstream {
  /** Brings messages to the server and its answers back. */
  post(post: Post): Promise<void>;
  /** Opens the stream on which a server speaks unasked. */
  listen(visit: Visit): Promise<void>;
  /** Ends a session at the server's side. Calls under way may be answered with `why`. Never rejects. */
  end(session: Session, why?: SecretsError): Promise<void>;
  /**
   * Opens a session without a handshake, for servers that know none (MCP 2026-07-28). Absent: such servers need no session.
   * @throws SecretsError `sessionLimit`.
   */
  open?(opener: Opener): Session;
}
