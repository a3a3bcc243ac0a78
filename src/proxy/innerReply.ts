import type { OutgoingHttpHeaders } from 'node:http';
import type { Reply } from './front/reply';
import { SseSplitter } from './upstream/sse';

/** Who takes what is answered inside the proxy. */
export interface InnerListener {
  /** One message, or a batch of them, as JSON text. */
  message(text: string): void;
  /** The id of an event: a stream that ends early can be taken up again there. */
  eventId?(id: string): void;
  /** The answer is over. `status` is that of an answer without a message (202, 405, …); else `undefined`. */
  over(status: number | undefined): void;
}

/** A reply to a request that the proxy makes to itself: gives each message to a listener, whatever form the answer has. */
export class InnerReply implements Reply {
  readonly headers: OutgoingHttpHeaders = {};
  readonly #listener: InnerListener;
  readonly #events = new SseSplitter();
  readonly #abandonedCallbacks: (() => void)[] = [];
  readonly #closedCallbacks: (() => void)[] = [];
  #started = false;
  #ended = false;
  #abandoned = false;

  constructor(listener: InnerListener) {
    this.#listener = listener;
  }

  get started(): boolean {
    return this.#started;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get abandoned(): boolean {
    return this.#abandoned;
  }

  onAbandoned(callback: () => void): void {
    if (this.#abandoned) callback();
    else this.#abandonedCallbacks.push(callback);
  }

  onClosed(callback: () => void): void {
    this.#closedCallbacks.push(callback);
  }

  json(body: string | Buffer): void {
    if (this.#ended) return;
    // In a stream that has begun, JSON is its next event; what ends the stream comes later.
    const streaming = this.#started;
    this.#started = true;
    this.#listener.message(body.toString());
    if (!streaming) this.#over(undefined);
  }

  empty(status: number): void {
    this.#over(this.#started ? undefined : status);
  }

  stream(): void {
    this.#started = true;
  }

  event(json: string): void {
    if (this.#ended) return;
    this.#started = true;
    this.#listener.message(json);
  }

  raw(bytes: string | Buffer): boolean {
    if (this.#ended) return true;
    this.#started = true;
    for (const { data, id } of this.#events.push(bytes.toString())) {
      if (id !== undefined) this.#listener.eventId?.(id);
      if (data !== undefined && data !== '') this.#listener.message(data);
    }
    return true;
  }

  onDrain(callback: () => void): void {
    queueMicrotask(callback);
  }

  end(): void {
    this.#started = true;
    this.#over(undefined);
  }

  /** Ends it, and with it the work on the rest. For whoever asked, too. */
  breakOff(): void {
    this.#abandoned = !this.#ended;
    for (const callback of this.#abandonedCallbacks.splice(0)) callback();
    this.end();
  }

  #over(status: number | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.over(status);
    for (const callback of this.#closedCallbacks.splice(0)) callback();
  }
}
