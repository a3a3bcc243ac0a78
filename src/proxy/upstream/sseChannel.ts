import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_REPLY_BYTES } from '../../bindings/limits';
import type { HttpServer } from '../../bindings/server';
import { isSecretsError, SecretsError } from '../../shared/errors';
import { Roster } from '../../shared/roster';
import type { Injection } from '../injector';
import { cancelledBy, parseMessage } from '../jsonRpc';
import { bodyOf } from './body';
import type { Channel, ChannelListener } from './channel';
import { failure } from './request';
import type { UpstreamResponse } from './exchange';
import type { Connections } from './request';
import { SseSplitter } from './sse';
import type { SseEvent } from './sse';

/** How long a notification that the server does not take holds up what follows, in ms. */
const HOLD_MS = 2_000;

/** What a channel over SSE needs of the rest. */
export interface SseChannelOptions {
  readonly connections: Connections;
  readonly callTimeoutMs: () => number;
}

/**
 * The old transport, HTTP+SSE (MCP 2024-11-05): the server speaks on an event stream, whose first event says where messages
 * to it are POSTed. Both carry the credentials, so that address must be of the same origin.
 */
export class SseChannel implements Channel {
  readonly #server: HttpServer;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #listener: ChannelListener;
  readonly #options: SseChannelOptions;
  readonly #cancels = new Roster<() => void>();
  #endpoint: string | undefined;
  #closed = false;
  /** Done when the last notification was delivered, or lost: what is sent after it must not overtake it. */
  #notified: Promise<void> = Promise.resolve();

  private constructor(server: HttpServer, { headers }: Injection, listener: ChannelListener, options: SseChannelOptions) {
    this.#server = server;
    this.#headers = headers;
    this.#listener = listener;
    this.#options = options;
  }

  /** Opens the stream and waits for the address. @throws SecretsError `upstream…`. */
  static async open(server: HttpServer, injection: Injection, listener: ChannelListener, options: SseChannelOptions): Promise<SseChannel> {
    const channel = new SseChannel(server, injection, listener, options);
    const ms = server.limits?.startTimeoutMs ?? server.limits?.callTimeoutMs ?? options.callTimeoutMs();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new SecretsError('upstreamTimeout', { server: server.name, seconds: Math.round(ms / 1000) }));
      }, ms);
    });
    try {
      await Promise.race([channel.#open(), late]);
      return channel;
    } catch (error) {
      channel.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  get alive(): boolean {
    return !this.#closed;
  }

  send(json: string, headers: Readonly<Record<string, string>> = {}): void {
    if (this.#closed) return;
    const message = parseMessage(json);
    const sent = this.#notified.then(() => this.#post(json, headers));
    const delivered = sent.catch((error: unknown) => {
      if (!this.#closed) this.#undelivered(message?.method === undefined ? undefined : message.id, error);
    });
    // Nothing follows from a cancellation that must not overtake it.
    if (message?.id === undefined && (message === undefined || cancelledBy(message) === undefined))
      this.#notified = Promise.race([delivered, sleep(HOLD_MS, undefined, { ref: false })]);
  }

  end(): Promise<void> {
    this.kill();
    return Promise.resolve();
  }

  kill(): void {
    this.#closed = true;
    for (const cancel of this.#cancels) cancel();
  }

  async #open(): Promise<void> {
    const { name, url } = this.#server;
    const response = await this.#request('GET', url, {});
    const type = (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'text/event-stream') {
      response.discard();
      throw new SecretsError('upstreamNonsense', { server: name, what: 'no event stream' });
    }
    await new Promise<void>((resolve, reject) => {
      void this.#follow(response, resolve).then((error) => {
        reject(error);
        const wasOpen = this.#endpoint !== undefined && !this.#closed;
        this.kill();
        if (wasOpen) this.#listener.gone(error);
      });
    });
  }

  /** Reads the stream to its end. @returns why it ended. */
  async #follow(response: UpstreamResponse, opened: () => void): Promise<SecretsError> {
    const { name, limits } = this.#server;
    const limit = limits?.replyBytes ?? MAX_REPLY_BYTES;
    const splitter = new SseSplitter();
    try {
      const body = bodyOf(response, name).setEncoding('utf8');
      for await (const chunk of body as AsyncIterable<string>) {
        for (const event of splitter.push(chunk)) {
          if ((event.data?.length ?? 0) > limit) throw new SecretsError('upstreamTooLarge', { server: name, limit });
          this.#hear(event, opened);
        }
        if (splitter.pending > limit) throw new SecretsError('upstreamTooLarge', { server: name, limit });
      }
      return new SecretsError('upstreamClosed', { server: name });
    } catch (error) {
      return failure(error, { server: name }, undefined);
    }
  }

  #hear(event: SseEvent, opened: () => void): void {
    if (event.data === undefined || this.#closed) return;
    if (nameOf(event) === 'endpoint') {
      this.#endpoint = this.#sameOrigin(event.data);
      opened();
    } else if (nameOf(event) === 'message') this.#listener.message(event.data);
  }

  /** @throws SecretsError `upstreamRedirect` for an address elsewhere: the credentials are not for others. */
  #sameOrigin(address: string): string {
    const { name, url } = this.#server;
    const endpoint = URL.canParse(address, url) ? new URL(address, url) : undefined;
    if (endpoint?.origin !== new URL(url).origin) throw new SecretsError('upstreamRedirect', { server: name });
    return endpoint.href;
  }

  async #post(json: string, headers: Readonly<Record<string, string>>): Promise<void> {
    if (this.#endpoint === undefined || this.#closed) return;
    const response = await this.#request('POST', this.#endpoint, headers, json);
    response.discard();
  }

  async #request(method: 'GET' | 'POST', url: string, more: Readonly<Record<string, string>>, body?: string): Promise<UpstreamResponse> {
    const { name, headers, limits, bindings } = this.#server;
    const cancels = this.#cancels;
    let forget = (): void => undefined;
    const response = await this.#options.connections
      .send({
        server: name,
        method,
        url,
        headers: [
          ...['accept', method === 'GET' ? 'text/event-stream' : '*/*', 'accept-encoding', 'identity'],
          ...Object.entries(headers).flat(),
          ...(body === undefined ? [] : ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))]),
          ...Object.entries({ ...this.#headers, ...more }).flat(),
        ],
        ...(body === undefined ? {} : { body }),
        idleMs: method === 'GET' ? 0 : (limits?.callTimeoutMs ?? this.#options.callTimeoutMs()),
        repeatable: method === 'GET',
        onCancel: (callback) => {
          // After a redirect it is another one.
          forget();
          forget = cancels.add(callback);
          if (this.#closed) callback();
        },
      })
      .finally(() => {
        if (method === 'POST') forget();
      });
    const { status } = response;
    if (status < 300) return response;
    response.discard();
    if (status === 401 || status === 403)
      throw new SecretsError('upstreamRefused', { server: name, status, secrets: bindings.map((b) => b.secret) });
    throw new SecretsError('upstreamStatus', { server: name, status });
  }

  /** A message could not be delivered. One for which there is no such session any more ends the channel: another is opened. */
  #undelivered(id: string | number | undefined, error: unknown): void {
    const why = failure(error, { server: this.#server.name }, undefined);
    if (isSecretsError(why, 'upstreamStatus') && [404, 410].includes(why.details.status)) {
      this.kill();
      this.#listener.gone(new SecretsError('upstreamClosed', { server: this.#server.name }));
    } else if (id !== undefined) this.#listener.undelivered(id, why);
  }
}

/** The name of an event; one without a name is a `message` (WHATWG HTML, server-sent events). */
function nameOf({ raw }: SseEvent): string {
  return /^event:[ ]?(.*)$/m.exec(raw)?.[1]?.trim() ?? 'message';
}
