import { parseMessage } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import { ReplyFilter } from './replyFilter';

/** An answer that was kept back. */
export interface Refusal {
  readonly message: Message | undefined;
  readonly body: string | Buffer;
  readonly status: number;
}

/** The reply to a handshake of which it is not known whether the server knows handshakes: keeps a refusal back, passes on anything else. */
export class HandshakeReply extends ReplyFilter {
  /** The answer, if it was passed on and is JSON. */
  accepted: Message | undefined;
  refused: Refusal | undefined;

  override get ended(): boolean {
    return this.refused !== undefined || super.ended;
  }

  override json(body: string | Buffer, status = 200): void {
    if (this.refused !== undefined) return;
    const message = parseMessage(body.toString());
    if (!this.started && (status >= 400 || message?.error !== undefined)) this.refused = { message, body, status };
    else {
      this.accepted = message;
      super.json(body, status);
    }
  }

  override end(): void {
    if (this.refused === undefined) super.end();
  }
}
