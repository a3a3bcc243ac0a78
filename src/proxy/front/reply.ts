import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';
import { dictionary } from '../../shared/dictionary';
import { Outflow } from './outflow';
import type { Response } from './response';

const JSON_TYPE = 'application/json';
const EVENTS_TYPE = 'text/event-stream';

/** More than the largest message: an agent that lets so much wait does not read, and is cut off. A server could go on for ever. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/** The answer to one request of an agent: a JSON body, an event stream, or just a status. */
export interface Reply {
  /** Headers that go out with the answer, whatever it turns out to be. */
  readonly headers: OutgoingHttpHeaders;
  /** Whether the status and headers are out. */
  readonly started: boolean;
  /** Whether nothing more can be sent. */
  readonly ended: boolean;
  /** Whether nobody waits for the rest: the agent has gone away before the answer was complete, or it was broken off. */
  readonly abandoned: boolean;
  /** Calls back once when the answer is abandoned; at once if it is already. */
  onAbandoned(callback: () => void): void;
  /** Calls back once when the answer is over, complete or not. */
  onClosed(callback: () => void): void;
  /** Answers with JSON and ends. In a stream that has started, the JSON becomes its next event. */
  json(body: string | Buffer, status?: number): void;
  /** Answers with a status and no body, and ends. */
  empty(status: number): void;
  /** Starts an event stream, if it has not started. */
  stream(): void;
  /** Sends one message as an event. */
  event(json: string): void;
  /** Sends bytes of an event stream as they are. Returns false when the agent reads slower than we send. */
  raw(bytes: string | Buffer): boolean;
  /** Calls back once when the agent has caught up. */
  onDrain(callback: () => void): void;
  /** Ends the answer. */
  end(): void;
  /** Ends the answer where it is, and with it the work on the rest. */
  breakOff(): void;
}

/** A reply over HTTP. */
export class HttpReply implements Reply {
  readonly #response: Response;
  readonly #out: Outflow;
  #onAbandoned: (() => void)[] = [];
  #abandoned = false;
  readonly headers = dictionary<OutgoingHttpHeader>();

  constructor(response: Response) {
    this.#response = response;
    this.#out = new Outflow(response);
    response.once('close', () => {
      if (!response.writableFinished) this.#abandon();
    });
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  get ended(): boolean {
    return this.#out.ending || this.#response.destroyed;
  }

  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Calls back once when the answer is abandoned; at once if it is already. */
  onAbandoned(callback: () => void): void {
    if (this.#abandoned) callback();
    else this.#onAbandoned.push(callback);
  }

  /** Calls back once when the answer is over, complete or not. */
  onClosed(callback: () => void): void {
    this.#response.once('close', callback);
  }

  json(body: string | Buffer, status = 200): void {
    if (this.started) {
      this.event(body.toString());
      return;
    }
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    this.headers['content-type'] = JSON_TYPE;
    this.headers['content-length'] = length;
    this.#response.writeHead(status, this.headers);
    this.#out.end(body);
  }

  empty(status: number): void {
    if (this.started) this.end();
    else {
      this.headers['content-length'] = 0;
      this.#response.writeHead(status, this.headers);
      this.#out.end();
    }
  }

  stream(): void {
    if (this.started) return;
    this.headers['content-type'] = EVENTS_TYPE;
    this.headers['cache-control'] = 'no-cache, no-transform';
    this.headers['x-accel-buffering'] = 'no';
    this.#response.writeHead(200, this.headers);
    this.#response.flushHeaders();
  }

  event(json: string): void {
    this.stream();
    // A line break in JSON text stands between tokens only; in an event it would end the field.
    const data = /[\r\n]/.test(json) ? json.split(/\r\n|\r|\n/).join('\ndata: ') : json;
    this.raw(`event: message\ndata: ${data}\n\n`);
  }

  raw(bytes: string | Buffer): boolean {
    this.stream();
    if (this.ended) return true;
    if (this.#out.length > MAX_UNREAD_BYTES) {
      this.#response.destroy();
      return true;
    }
    return this.#out.write(bytes);
  }

  /** Calls back once when the agent has caught up. */
  onDrain(callback: () => void): void {
    this.#out.onWritten(callback);
  }

  end(): void {
    if (!this.started) this.stream();
    this.#out.end();
  }

  /** Ends the answer where it is, and with it the work on the rest. */
  breakOff(): void {
    if (!this.ended) this.end();
    this.#abandon();
  }

  #abandon(): void {
    this.#abandoned = true;
    for (const callback of this.#onAbandoned.splice(0)) callback();
  }
}
