import type { OutgoingHttpHeaders } from 'node:http';

/** What an answer is written to: as much of `ServerResponse` as is needed. */
export interface Response {
  /** Whether the status and headers are decided. */
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  /** Whether everything is written and taken by the system. */
  readonly writableFinished: boolean;
  /** What waits to be taken, in bytes. */
  readonly writableLength: number;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  /** Sends the head before there is a body. */
  flushHeaders(): void;
  /** @param taken is called when the system has taken it. @returns false if more should wait for `drain`. */
  write(content: string | Buffer, taken?: () => void): boolean;
  end(content?: string | Buffer): unknown;
  destroy(): unknown;
  /** `close` comes once, when the answer is over, complete or not; `drain` when more may be written. */
  once(event: 'close' | 'drain', callback: () => void): unknown;
}
