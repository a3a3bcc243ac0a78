import { STATUS_CODES } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Response } from './response';

/** Bodies up to this length go out together with the head, in UTF-16 units. */
const TOGETHER = 65_536;

/** An answer in HTTP/1.1 (RFC 9112) on a connection that stays open after it. */
export class SocketResponse implements Response {
  readonly #socket: Socket;
  readonly #keepAlive: string;
  readonly #onFinished: () => void;
  /** The head, as long as it is not written. */
  #head = '';
  #headersSent = false;
  #chunked = false;
  #ended = false;
  #finished = false;
  #closed = false;
  #onClose: (() => void)[] = [];

  /** @param keepAliveSeconds how long the connection stays open. @param onFinished is called when the answer is complete and taken by the system. */
  constructor(socket: Socket, keepAliveSeconds: number, onFinished: () => void) {
    this.#socket = socket;
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${String(keepAliveSeconds)}\r\n`;
    this.#onFinished = onFinished;
  }

  get headersSent(): boolean {
    return this.#headersSent;
  }

  get destroyed(): boolean {
    return this.#closed || this.#socket.destroyed;
  }

  /** Whether all of it was written, if not taken yet. */
  get ended(): boolean {
    return this.#ended;
  }

  get writableFinished(): boolean {
    return this.#finished;
  }

  get writableLength(): number {
    return this.#socket.writableLength;
  }

  /** @throws TypeError `ERR_INVALID_CHAR` for a value that is not plain ASCII on one line: all are our own. */
  writeHead(status: number, headers: OutgoingHttpHeaders): void {
    let head = `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
    for (const name in headers) {
      const value = String(headers[name]);
      if (/[^ -~]/.test(value)) throw Object.assign(new TypeError(`The header ${name} cannot be sent.`), { code: 'ERR_INVALID_CHAR' });
      head += `${name}: ${value}\r\n`;
    }
    this.#chunked = headers['content-length'] === undefined;
    if (this.#chunked) head += 'Transfer-Encoding: chunked\r\n';
    this.#head = `${head}Date: ${date()}\r\n${this.#keepAlive}\r\n`;
    this.#headersSent = true;
  }

  flushHeaders(): void {
    if (this.#head !== '') this.#socket.write(this.#takeHead());
  }

  write(content: string | Buffer, taken?: () => void): boolean {
    this.flushHeaders();
    if (content.length === 0 || this.#ended) {
      taken?.();
      return true;
    }
    if (!this.#chunked) return this.#socket.write(content, taken);
    this.#socket.cork();
    this.#socket.write(`${Buffer.byteLength(content).toString(16)}\r\n`);
    this.#socket.write(content);
    const more = this.#socket.write('\r\n', taken);
    this.#socket.uncork();
    return more;
  }

  end(content: string | Buffer = ''): void {
    // What came after the end would be taken for a part of the next answer.
    if (this.#ended) return;
    if (this.#chunked) {
      this.write(content);
      this.#ended = true;
      this.#socket.write('0\r\n\r\n', this.#taken);
      return;
    }
    this.#ended = true;
    if (typeof content === 'string' && content.length <= TOGETHER) this.#socket.write(this.#takeHead() + content, this.#taken);
    else {
      this.flushHeaders();
      this.#socket.write(content, this.#taken);
    }
  }

  destroy(): void {
    // The connection is another answer's after the end.
    if (!this.#closed) this.#socket.destroy();
  }

  once(event: 'close' | 'drain', callback: () => void): void {
    if (event === 'drain') this.#socket.once('drain', callback);
    else this.#onClose.push(callback);
  }

  /** The connection is gone. */
  socketClosed(): void {
    this.#close();
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = '';
    return head;
  }

  readonly #taken = (error?: Error | null): void => {
    // Who does not take it is told so by the connection's end.
    if (this.#closed || this.#socket.destroyed || (error !== undefined && error !== null)) return;
    this.#finished = true;
    this.#close();
    this.#onFinished();
  };

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const callback of this.#onClose.splice(0)) callback();
  }
}

let second = 0;
let written = '';

/** The time of day for the header `Date` (RFC 9110, 6.6.1), made once a second. */
function date(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    written = new Date(now * 1000).toUTCString();
  }
  return written;
}
