import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

/** One HTTP request to an upstream. */
export interface UpstreamRequest {
  readonly server: string;
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly url: string;
  /** Names and values in turn, without Host. Of those with the same name the last one is sent. */
  readonly headers: readonly string[];
  readonly body?: string | Buffer | undefined;
  /** After this long without a byte from the upstream the request fails; 0: never. In ms. */
  readonly idleMs: number;
  /** After this long the request fails, bytes or not, if `idleMs` is not 0. In ms. Default: never. */
  readonly maxMs?: number | undefined;
  /** Whether silence means nothing now, because the upstream waits for somebody else. */
  readonly othersTurn?: (() => boolean) | undefined;
  /** Whether it may be sent again when a kept connection turns out to be closed: never what could do something twice (RFC 9110, 9.2.2). */
  readonly repeatable: boolean;
  /** Is given the means to break the request off. */
  readonly onCancel?: (cancel: () => void) => void;
}

/** What an upstream answers, when its headers are there. Its body is to be taken, or discarded. */
export interface UpstreamResponse {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** The whole body, if it has come together with the headers and nobody has asked for the stream; else `undefined`. */
  readonly arrived: Buffer | undefined;
  /** The body as it comes; the same stream each time. Destroy it to break the answer off. */
  stream(): Readable;
  /** Nobody wants the body. */
  discard(): void;
}

/** A request that is under way. */
export interface Watched {
  /** How many bytes the upstream has sent; negative while there is no connection. */
  bytesRead(): number;
  /** Tells whoever waits of the failure: the reader of the body once there is one. */
  destroy(error: Error): void;
}
