import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import type { UpstreamRequest, UpstreamResponse, Watched } from './exchange';

/** What the client is given by who uses it: this is a bundle of its own, and has classes of its own, so that errors are made elsewhere. */
interface Owner {
  /** The error that is thrown, or that the body ends with, for one of the client's; `undefined`: it was cancelled. */
  readonly inWords: (error: Error | undefined) => Error;
  /** Watches a request. Returns the means to stop. */
  readonly watch: (watched: Watched) => () => void;
}

/**
 * Connections to servers on this machine, kept open between calls. There the user's proxy settings and certificates do not count,
 * so that a faster client than `node:http` can be used. Loaded with the first such server.
 */
export class LoopbackConnections {
  readonly #pools = new Map<string, Pool>();

  /** As `Connections.send`, without redirects. */
  send(request: UpstreamRequest, url: URL, headers: readonly string[], owner: Owner): Promise<UpstreamResponse> {
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(owner, resolve, reject);
      request.onCancel?.(() => {
        exchange.destroy(owner.inWords(undefined));
      });
      // Whoever asked may have gone by now: then nothing is sent.
      if (exchange.isOver) return;
      const { method, body } = request;
      const options = { path: `${url.pathname}${url.search}`, method, headers: [...headers], headersTimeout: 0, bodyTimeout: 0 };
      this.#pool(url.origin).dispatch(body === undefined ? options : { ...options, body }, exchange);
    });
  }

  /** Closes every connection, also those in use. */
  close(): void {
    for (const pool of this.#pools.values()) void pool.destroy().catch(() => undefined);
    this.#pools.clear();
  }

  #pool(origin: string): Pool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) this.#pools.set(origin, (pool = new Pool(origin, { pipelining: 1 })));
    return pool;
  }
}

/** One request and its answer. */
class Exchange implements Dispatcher.DispatchHandler, Watched {
  readonly #owner: Owner;
  readonly #resolve: (response: UpstreamResponse) => void;
  readonly #reject: (error: Error) => void;
  readonly #stop: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #answer: Answer | undefined;
  #bytes = 0;
  #failed: Error | undefined;

  constructor(owner: Owner, resolve: (response: UpstreamResponse) => void, reject: (error: Error) => void) {
    this.#owner = owner;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#stop = owner.watch(this);
  }

  /** Whether nothing is wanted of it any more. */
  get isOver(): boolean {
    return this.#failed !== undefined;
  }

  bytesRead(): number {
    return this.#bytes;
  }

  destroy(error: Error): void {
    this.#failed ??= error;
    this.#stop();
    if (this.#answer === undefined) this.#reject(error);
    else this.#answer.fail(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failed !== undefined) controller.abort(this.#failed);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: UpstreamResponse['headers']): void {
    this.#bytes += 1;
    // 1xx: the answer is still to come.
    if (status < 200) return;
    this.#answer = new Answer(status, headers, controller);
    this.#resolve(this.#answer);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#answer?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#stop();
    this.#answer?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.destroy(this.#failed ?? this.#owner.inWords(error));
  }
}

/** What may wait for somebody to take it. A server that sends more has to wait, too. In bytes. */
const MAX_WAITING = 65_536;

/** An answer. Most are small and come as a whole: those need no stream. */
class Answer implements UpstreamResponse {
  readonly status: number;
  readonly headers: UpstreamResponse['headers'];
  readonly #controller: Dispatcher.DispatchController;
  /** What has come before somebody asked for the stream. */
  #waiting: Buffer[] = [];
  #size = 0;
  #ended = false;
  #failed: Error | undefined;
  #body: Body | undefined;

  constructor(status: number, headers: UpstreamResponse['headers'], controller: Dispatcher.DispatchController) {
    this.status = status;
    this.headers = headers;
    this.#controller = controller;
  }

  get arrived(): Buffer | undefined {
    if (!this.#ended || this.#body !== undefined) return undefined;
    return this.#waiting.length === 1 ? this.#waiting[0] : Buffer.concat(this.#waiting);
  }

  stream(): Readable {
    if (this.#body !== undefined) return this.#body;
    const body = new Body(this.#controller);
    this.#body = body;
    for (const chunk of this.#waiting.splice(0)) body.push(chunk);
    if (this.#ended) body.push(null);
    if (this.#failed !== undefined) body.destroy(this.#failed);
    return body;
  }

  discard(): void {
    this.stream().resume();
  }

  /** Takes the next piece. Returns whether more may come now. */
  push(chunk: Buffer): boolean {
    if (this.#body !== undefined) return this.#body.push(chunk);
    this.#waiting.push(chunk);
    this.#size += chunk.length;
    return this.#size < MAX_WAITING;
  }

  /** There is no more. */
  end(): void {
    this.#ended = true;
    this.#body?.push(null);
  }

  /** It breaks off. */
  fail(error: Error): void {
    this.#failed ??= error;
    this.#body?.destroy(error);
  }
}

/** The body of an answer, as `node:http` would give it. */
class Body extends Readable {
  readonly #controller: Dispatcher.DispatchController;

  constructor(controller: Dispatcher.DispatchController) {
    super();
    this.#controller = controller;
    // Whoever has read the status may want nothing of the rest: its failure is nobody's then.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#controller.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.readableEnded) this.#controller.abort(error ?? new Error('not wanted any more'));
    callback(error);
  }
}
