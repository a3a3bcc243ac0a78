import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { copyOf, lowerCase, NOT_VALUE } from '../httpFields';
import { AnswerParser } from './answerParser';
import type { AnswerListener } from './answerParser';
import { Answer } from './answer';
import type { Source } from './answer';
import type { UpstreamRequest, UpstreamResponse, Watched } from './exchange';

/** How long an unused connection is kept if the server does not say how long it keeps it, in ms. */
const KEEP_MS = 4_000;
/** Of what a server says it is kept this much less, so that it is not used in the moment in which the server closes it, in ms. */
const MARGIN_MS = 1_000;
const MAX_KEEP_MS = 600_000;
/** How many unused connections to one server are kept. */
const MAX_IDLE = 64;
const TENDING_MS = 5_000;

/** Where requests of one address go. */
export interface Target {
  readonly url: URL;
  /** Of `url`, taken apart once: every call asks for it. */
  readonly origin: string;
  readonly host: string;
  /** With the query. */
  readonly path: string;
}

/** What the connections are told by who uses them. */
interface Owner {
  /** The error to throw, or to end the body with, for one of the system's; `undefined`: the connection was closed. @param reached whether there was a connection. */
  readonly inWords: (error: Error | undefined, reached: boolean) => Error;
  /** Watches a request. Returns the means to stop. */
  readonly watch: (watched: Watched) => () => void;
}

/**
 * Connections to servers on this machine, kept open between calls. There the user's proxy settings and certificates, for which
 * VS Code changes `node:http`, do not count; and a request takes a fraction of the time that it takes there.
 */
export class LoopbackConnections {
  /** The unused ones, by origin; the last used comes last. */
  readonly #idle = new Map<string, Connection[]>();
  readonly #all = new Set<Connection>();
  #tending: NodeJS.Timeout | undefined;

  /** As `Connections.send`, without redirects. @param headers names and values in turn, each name once. */
  send(request: UpstreamRequest, target: Target, headers: readonly string[], owner: Owner): Promise<UpstreamResponse> {
    return new Promise((resolve, reject) => {
      const bytes = bytesOf(request, target, headers);
      // The server closed a kept connection just when we used it again: once more, on a new one.
      const again = (): void => {
        this.#open(target).send(bytes, exchange);
      };
      const exchange: Exchange = new Exchange(owner, resolve, reject, request.repeatable ? again : undefined);
      request.onCancel?.(() => {
        exchange.fail();
      });
      // Whoever asked may have gone by now: then nothing is sent.
      if (!exchange.isOver) (this.#kept(target) ?? this.#open(target)).send(bytes, exchange);
    });
  }

  /** Closes every connection, also those in use. */
  close(): void {
    clearInterval(this.#tending);
    this.#tending = undefined;
    for (const connection of this.#all) connection.drop();
  }

  #kept({ origin }: Target): Connection | undefined {
    const idle = this.#idle.get(origin);
    const now = performance.now();
    for (let kept = idle?.pop(); kept !== undefined; kept = idle?.pop()) {
      if (kept.isFresh(now)) return kept;
      kept.close();
    }
    return undefined;
  }

  #open({ url, origin }: Target): Connection {
    const connection = new Connection(
      url,
      () => {
        const others = this.#idle.get(origin);
        if (others === undefined) this.#idle.set(origin, [connection]);
        else if (others.length < MAX_IDLE) others.push(connection);
        else connection.close();
      },
      () => {
        this.#all.delete(connection);
        const others = this.#idle.get(origin) ?? [];
        const at = others.indexOf(connection);
        if (at >= 0) others.splice(at, 1);
      },
    );
    this.#all.add(connection);
    this.#tending ??= setInterval(() => {
      this.#tend();
    }, TENDING_MS).unref();
    return connection;
  }

  #tend(): void {
    const now = performance.now();
    for (const idle of this.#idle.values()) for (const connection of [...idle]) if (!connection.isFresh(now)) connection.close();
  }
}

/** One connection, for one request at a time. */
class Connection {
  readonly #socket: Socket;
  readonly #onIdle: () => void;
  #exchange: Exchange | undefined;
  #reached = false;
  #failed: Error | undefined;
  /** Until when it may be used again, as `performance.now()`. */
  #keepUntil = 0;
  /** What the server last said of how long it keeps the connection, and what that means, in ms. */
  #hint: string | undefined;
  #keepMs = KEEP_MS;

  constructor({ hostname, port }: URL, onIdle: () => void, onGone: () => void) {
    this.#onIdle = onIdle;
    this.#socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 80 : Number(port), noDelay: true });
    this.#socket
      .on('connect', () => (this.#reached = true))
      .on('data', (bytes) => {
        // Nobody has asked for anything.
        if (this.#exchange === undefined) this.close();
        else this.#exchange.push(bytes, this);
      })
      .on('end', () => this.#exchange?.closed())
      .on('error', (error) => (this.#failed = error))
      .on('close', () => {
        onGone();
        this.#exchange?.lost(this.#failed, this.#reached, this.#keepUntil > 0);
      });
  }

  /** Whether a request may be sent now. */
  isFresh(now: number): boolean {
    return now < this.#keepUntil && this.#socket.writable && !this.#socket.readableEnded;
  }

  send(bytes: Buffer | string, exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.begin(this);
    this.#socket.ref();
    this.#socket.write(bytes, 'latin1');
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** As `close`; what is under way fails. */
  drop(): void {
    this.#exchange?.fail();
    this.close();
  }

  /** The answer is complete. */
  done({ 'keep-alive': hint }: IncomingHttpHeaders, keepAlive: boolean): void {
    this.#exchange = undefined;
    // A server can have answered before it has taken the whole request.
    if (!keepAlive || this.#socket.writableLength > 0) {
      this.close();
      return;
    }
    if (String(hint ?? '') !== (this.#hint ?? '')) {
      const seconds = /timeout=(\d{1,6})/i.exec(String(hint))?.[1];
      this.#keepMs = seconds === undefined ? KEEP_MS : Math.min(Number(seconds) * 1000 - MARGIN_MS, MAX_KEEP_MS);
      this.#hint = hint === undefined ? undefined : copyOf(String(hint));
    }
    this.#keepUntil = performance.now() + this.#keepMs;
    this.#socket.resume().unref();
    this.#onIdle();
  }
}

/** One request and its answer. */
class Exchange implements AnswerListener, Source, Watched {
  readonly #owner: Owner;
  readonly #resolve: (response: UpstreamResponse) => void;
  readonly #reject: (error: Error) => void;
  /** Sends the request once more; absent if it may not be. */
  readonly #again: (() => void) | undefined;
  readonly #stop: () => void;
  readonly #parser = new AnswerParser(this);
  #connection: Connection | undefined;
  #answer: Answer | undefined;
  #bytes = 0;
  #isOver = false;

  constructor(
    owner: Owner,
    resolve: (response: UpstreamResponse) => void,
    reject: (error: Error) => void,
    again: (() => void) | undefined,
  ) {
    this.#owner = owner;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#again = again;
    this.#stop = owner.watch(this);
  }

  /** Whether nothing is wanted of it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  bytesRead(): number {
    return this.#bytes;
  }

  destroy(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stop();
    if (this.#answer === undefined) this.#reject(error);
    else this.#answer.fail(error);
    this.#connection?.close();
  }

  begin(connection: Connection): void {
    this.#connection = connection;
  }

  push(bytes: Buffer, from: Connection): void {
    this.#bytes += bytes.length;
    try {
      this.#parser.push(bytes);
    } catch (error) {
      this.destroy(this.#owner.inWords(error as Error, true));
      // Also if the answer was complete before.
      from.close();
    }
  }

  /** The server has ended the connection. */
  closed(): void {
    this.#parser.close();
  }

  /** The connection is gone. @param kept whether it had been used before. */
  lost(error: Error | undefined, reached: boolean, kept: boolean): void {
    if (this.#isOver) return;
    if (kept && this.#bytes === 0 && this.#again !== undefined) this.#again();
    else this.destroy(this.#owner.inWords(error, reached));
  }

  /** It is broken off from here. */
  fail(): void {
    this.destroy(this.#owner.inWords(undefined, true));
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  onHead(status: number, headers: IncomingHttpHeaders): void {
    this.#answer = new Answer(status, headers, this);
    this.#resolve(this.#answer);
  }

  onData(bytes: Buffer): void {
    this.#answer?.push(bytes);
  }

  onEnd(keepAlive: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stop();
    this.#answer?.end();
    const connection = this.#connection;
    // It is the next one's now: nobody who reads this answer may hold that up.
    this.#connection = undefined;
    connection?.done(this.#answer?.headers ?? {}, keepAlive);
  }
}

/** A request as it is sent (RFC 9112). @throws the error of `node:http` for a header that would be more than one. */
function bytesOf({ method, body }: UpstreamRequest, { path }: Target, headers: readonly string[]): string | Buffer {
  let head = `${method} ${path} HTTP/1.1\r\n`;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    if (lowerCase(name) === '' || NOT_VALUE.test(value)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
      throw new TypeError('A header cannot be sent.');
    }
    head += `${name}: ${value}\r\n`;
  }
  head += '\r\n';
  if (body === undefined) return head;
  const start = Buffer.byteLength(head, 'latin1');
  const bytes = Buffer.allocUnsafe(start + Buffer.byteLength(body));
  bytes.write(head, 0, 'latin1');
  if (typeof body === 'string') bytes.write(body, start);
  else body.copy(bytes, start);
  return bytes;
}
