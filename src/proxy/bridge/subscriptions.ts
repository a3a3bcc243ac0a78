import { SecretsError } from '../../shared/errors';
import type { Call } from '../call';
import type { Reply } from '../front/reply';
import { InnerReply } from '../innerReply';
import { objectAt, parseMessage } from '../jsonRpc';
import type { Message, Request, RequestId } from '../jsonRpc';
import { META } from './era';
import { without } from './fields';
import { accepts, honored, toModernNotification, toModernResult, urisIn } from './forModernAgent';
import type { LegacyServer } from './legacyServer';

/** How long until the stream of a legacy server that has ended is opened again. */
const AGAIN_MS = 5_000;

interface Subscription {
  readonly id: RequestId;
  readonly filter: Readonly<Record<string, unknown>>;
  readonly reply: Reply;
}

/** The `subscriptions/listen` of modern agents, served from what a legacy server says in one session. */
export class Subscriptions {
  readonly #server: LegacyServer;
  readonly #open = new Set<Subscription>();
  #stream: InnerReply | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(server: LegacyServer) {
    this.#server = server;
    server.news = (message) => {
      this.#tell(message);
    };
  }

  /** Serves one, until its agent or the session ends it. @throws SecretsError `paramsInvalid`. */
  async serve(request: Request, reply: Reply, call: Call): Promise<void> {
    const wanted = objectAt(request.params, 'notifications');
    if (wanted === undefined) throw new SecretsError('paramsInvalid', { what: '"notifications"' });
    const filter = await this.#subscribe(honored(wanted, this.#server.capabilities), call);
    const subscription: Subscription = { id: request.id, filter, reply };
    const acknowledged: Message = { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: filter } };
    reply.event(JSON.stringify(toModernNotification(acknowledged, request.id)));
    if (Object.keys(filter).length === 0) {
      this.#end(subscription);
      return;
    }
    this.#open.add(subscription);
    this.#listen();
    await new Promise<void>((resolve) => {
      reply.onClosed(resolve);
      if (reply.ended) resolve();
    });
    this.#open.delete(subscription);
    await this.#unsubscribe(filter, call);
    if (this.#open.size === 0) this.#silence();
  }

  /** Ends all of them. */
  close(): void {
    for (const subscription of this.#open) this.#end(subscription);
    this.#silence();
  }

  /** In good order: the end is the answer to the request. */
  #end({ id, reply }: Subscription): void {
    if (reply.ended) return;
    const result = toModernResult('subscriptions/listen', { _meta: { [META.subscription]: id } }, this.#server.info);
    reply.event(JSON.stringify({ jsonrpc: '2.0', id, result }));
    reply.end();
  }

  #tell(message: Message): void {
    for (const { id, filter, reply } of this.#open)
      if (accepts(filter, message) && !reply.ended) reply.event(JSON.stringify(toModernNotification(message, id)));
  }

  /** Subscribes to the resources of a filter. @returns the filter without those for which that was refused. */
  async #subscribe(filter: Readonly<Record<string, unknown>>, call: Call): Promise<Readonly<Record<string, unknown>>> {
    const rest = without(filter, 'resourceSubscriptions');
    const answers = await Promise.all(
      urisIn(filter).map(async (uri) => ({ uri, answer: await this.#server.request('resources/subscribe', { uri }, call) })),
    );
    const uris = answers.filter(({ answer }) => answer.error === undefined).map(({ uri }) => uri);
    return uris.length > 0 ? { ...rest, resourceSubscriptions: uris } : rest;
  }

  async #unsubscribe(filter: Readonly<Record<string, unknown>>, call: Call): Promise<void> {
    const wanted = new Set([...this.#open].flatMap((other) => urisIn(other.filter)));
    const uris = urisIn(filter).filter((uri) => !wanted.has(uri));
    await Promise.allSettled(uris.map((uri) => this.#server.request('resources/unsubscribe', { uri }, call)));
  }

  #listen(): void {
    if (this.#stream !== undefined) return;
    const stream = new InnerReply({
      message: (text) => {
        const message = parseMessage(text);
        if (message !== undefined) this.#server.unasked(message, text);
      },
      over: (status) => {
        if (this.#stream !== stream) return;
        this.#stream = undefined;
        // A server that has no such stream may still tell its news during calls.
        if (status === undefined && this.#open.size > 0) this.#timer = setTimeout(() => this.#listen(), AGAIN_MS).unref();
      },
    });
    this.#stream = stream;
    void this.#server.listen(stream);
  }

  #silence(): void {
    clearTimeout(this.#timer);
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.breakOff();
  }
}
