import { randomUUID } from 'node:crypto';
import { dictionary } from '../../shared/dictionary';
import { SecretsError } from '../../shared/errors';
import type { Clock } from '../../shared/clock';
import type { Logger } from '../../shared/logger';
import type { Call } from '../call';
import { Exposure } from '../exposure';
import type { Reply } from '../front/reply';
import type { Injection } from '../injector';
import { InOrder } from '../inOrder';
import { errorAnswer, isResponse, objectAt } from '../jsonRpc';
import type { Message, Request, RequestId } from '../jsonRpc';
import { readMessage } from '../largeMessage';
import type { Pipeline } from '../pipeline';
import type { Post } from '../visit';
import type { Server } from '../../bindings/server';
import type { Channel, ChannelListener, OpenChannel } from './channel';
import { Deadline } from './deadline';
import type { CallTimes } from './deadline';

/** Who listens to a peer. */
export interface PeerListener {
  /** A request or a notification of the server, as it came. Returns it as the agent shall get it. */
  spoken(message: Message, text: string): string;
  /** The same on its way to the agent. @param related the reply to the call that it belongs to. */
  speak(text: string, related: Reply | undefined): void;
  /** The server has accepted a request of the agent. */
  accepted(request: Request, answer: Message): void;
  /** Whether the server waits for the agent. */
  isAsking(): boolean;
  /** The last call under way is over. */
  idle(): void;
  /** The connection is gone; nothing of it is under way any more. */
  gone(error: SecretsError, said: readonly string[]): void;
}

/** What a peer needs of the rest. */
export interface PeerOptions {
  readonly pipeline: Pipeline;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A call that waits for its answer. */
interface Waiting {
  readonly call: Call;
  readonly request: Request;
  readonly reply: Reply;
  /** Whether its post has no other call. */
  readonly alone: boolean;
  readonly progressToken: unknown;
  readonly deadline: Deadline;
  readonly settle: () => void;
  /** Ends the wait with an error, and sees to it that the agent is told. */
  readonly fail: (error: SecretsError) => void;
}

/** A server over one channel, with what it was given and what is under way there. */
export class Peer implements ChannelListener {
  readonly server: Server;
  /** The secrets that it was given when it was opened. */
  readonly given: Injection;
  /** Every value that it has been given. */
  readonly exposure: Exposure;
  readonly #options: PeerOptions;
  readonly #listener: PeerListener;
  /** By `keyOf` their ids; no Map, for the reason that shared/roster.ts tells. */
  readonly #waiting = dictionary<Waiting>();
  #waits = 0;
  /** Requests of our own: the agent does not see their answers. */
  readonly #own = new Map<RequestId, (answer: Message | SecretsError) => void>();
  /** What the server has said and is being read. */
  readonly #reading = new InOrder();
  /** What it has said and is on its way to the agent. */
  readonly #received = new InOrder();
  #channel: Channel | undefined;
  #gone: SecretsError | undefined;
  #ending = false;
  #heardAt: number;

  constructor(server: Server, given: Injection, options: PeerOptions, listener: PeerListener) {
    this.server = server;
    this.given = given;
    this.exposure = new Exposure(given);
    this.#options = options;
    this.#listener = listener;
    this.#heardAt = options.clock.now();
  }

  /** Opens its channel. @throws SecretsError if that cannot be. */
  async open<S extends Server>(server: S, open: OpenChannel<S>): Promise<void> {
    const channel = await open(server, this.given, this);
    this.#channel = channel;
    if (this.#ending) channel.kill();
  }

  get redactor(): Exposure['redactor'] {
    return this.exposure.redactor;
  }

  /** Whether it can be spoken to. */
  get alive(): boolean {
    return !this.#ending && this.#channel?.alive === true;
  }

  /** Whether we end it. */
  get ending(): boolean {
    return this.#ending;
  }

  /** When it was last heard, in ms since the epoch. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Why it is gone, if it is. */
  get failure(): SecretsError | undefined {
    return this.#gone;
  }

  /** Whether no call is under way. */
  get isIdle(): boolean {
    return this.#waits === 0;
  }

  /** An open reply to a call that is under way. */
  get someReply(): Reply | undefined {
    return Object.values(this.#waiting).find(({ reply }) => !reply.ended)?.reply;
  }

  /** Whether a call with this id is under way. */
  has(id: RequestId): boolean {
    return this.#waitFor(id) !== undefined;
  }

  /** Sends one message. @param headers as `Channel.send`. */
  send(json: string, headers?: Readonly<Record<string, string>>): void {
    this.#channel?.send(json, headers);
  }

  /** Sends a request of our own. @throws SecretsError `upstreamTimeout`, or why the connection is gone. */
  request(message: Omit<Message, 'id' | 'jsonrpc'>, timeoutMs: number): Promise<Message> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = `mcp-secrets/${randomUUID()}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#own.delete(id);
        reject(new SecretsError('upstreamTimeout', { server: this.server.name, seconds: Math.round(timeoutMs / 1000) }));
      }, timeoutMs);
      this.#own.set(id, (answer) => {
        this.#own.delete(id);
        clearTimeout(timer);
        if (answer instanceof SecretsError) reject(answer);
        else resolve(answer);
      });
      this.send(JSON.stringify({ ...message, jsonrpc: '2.0', id }));
    });
  }

  /** Waits for the answer to a call. Rejects where the relay shall answer: if its post has no other call. */
  expect(call: Call, request: Request, post: Post, times: CallTimes): Promise<void> {
    return new Promise((settle, reject) => {
      const fail = (error: SecretsError): void => {
        this.#options.pipeline.failed(call, error);
        post.reply.event(errorAnswer(call.id, error));
        settle();
      };
      const waiting: Waiting = {
        call,
        request,
        reply: post.reply,
        alone: post.calls.length === 1,
        progressToken: objectAt(request.params, '_meta')?.progressToken,
        deadline: new Deadline(
          this.server.name,
          times,
          () => this.#listener.isAsking(),
          (error) => {
            this.#settle(waiting, error);
            this.send(
              JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: call.id, reason: 'timeout' } }),
            );
          },
        ),
        settle,
        fail: post.calls.length === 1 ? reject : fail,
      };
      this.#waiting[keyOf(call.id)] = waiting;
      this.#waits += 1;
    });
  }

  /** The agent has answered the server. */
  answered(): void {
    for (const { deadline } of Object.values(this.#waiting)) deadline.extend();
  }

  /** A cancelled call gets no answer (MCP, cancellation): its reply just ends. False if it is not under way here. */
  cancel(id: RequestId): boolean {
    const waiting = this.#waitFor(id);
    if (waiting === undefined) return false;
    this.#options.pipeline.end(waiting.call, { outcome: 'error', errorKind: 'cancelled' });
    this.#settle(waiting, undefined);
    return true;
  }

  /** The agent does not wait for the calls of this reply any more. */
  abandon(reply: Reply): void {
    for (const waiting of Object.values(this.#waiting)) {
      if (waiting.reply !== reply) continue;
      this.#options.pipeline.abandoned(waiting.call);
      this.#settle(waiting, undefined);
    }
  }

  /** Ends every wait with an error. */
  fail(error: SecretsError): void {
    for (const waiting of Object.values(this.#waiting)) this.#settle(waiting, error);
    for (const answer of [...this.#own.values()]) answer(error);
  }

  /** Ends the connection in good order. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#channel?.end();
  }

  /** Ends the connection at once. */
  kill(): void {
    this.#ending = true;
    this.#channel?.kill();
  }

  message(text: string): void {
    this.#heardAt = this.#options.clock.now();
    const read = readMessage(text, ({ id }) => (id === undefined ? undefined : this.#waitFor(id)?.call.method));
    this.#reading.push(read, (message) => {
      this.#take(message, text);
    });
  }

  #take(message: Message | undefined, text: string): void {
    if (message === undefined) {
      const shown = this.redactor.text(text).slice(0, 200);
      const where = this.server.type === 'stdio' ? 'wrote a line to its standard output' : 'sent something';
      this.#options.logger.warn(`[${this.server.name}] ${where} that is no MCP message: ${shown}`);
      return;
    }
    if (!isResponse(message)) this.#hear(message, text);
    else if (this.#own.has(message.id)) this.#own.get(message.id)?.(message);
    else this.#answer(message, text);
  }

  undelivered(id: RequestId, error: SecretsError): void {
    const waiting = this.#waitFor(id);
    if (waiting === undefined) this.#own.get(id)?.(error);
    else this.#settle(waiting, error);
  }

  gone(error: SecretsError, said: readonly string[] = []): void {
    this.#gone = error;
    // What it said last still counts.
    this.#reading.push('', () => {
      this.#received.push('', () => {
        this.fail(error);
        this.#listener.gone(error, said);
      });
    });
  }

  #answer(answer: Message & { readonly id: RequestId }, text: string): void {
    const call = this.#waitFor(answer.id)?.call;
    const about = { server: this.server, redactor: this.redactor, message: answer, call };
    this.#received.push(this.#options.pipeline.outgoing(text, about), (clean) => {
      const waiting = this.#waitFor(answer.id);
      if (waiting === undefined) return;
      if (answer.error === undefined) this.#listener.accepted(waiting.request, answer);
      else if (waiting.request.method === 'initialize') delete waiting.reply.headers['mcp-session-id'];
      this.#settle(waiting, clean);
      // What follows a call need not keep its agent waiting.
      this.#options.pipeline.answered(waiting.call, answer);
    });
  }

  #hear(message: Message, text: string): void {
    const shown = this.#listener.spoken(message, text);
    const about = { server: this.server, redactor: this.redactor, message, call: undefined };
    this.#received.push(this.#options.pipeline.outgoing(shown, about), (clean) => {
      const token = message.method === 'notifications/progress' ? progressTokenOf(message) : undefined;
      const related = token === undefined ? undefined : Object.values(this.#waiting).find((w) => w.progressToken === token);
      // Progress is a sign of life of its call.
      related?.deadline.extend();
      this.#listener.speak(clean, related?.reply);
    });
  }

  #waitFor(id: RequestId): Waiting | undefined {
    return this.#waiting[keyOf(id)];
  }

  /** Ends the wait of a call: with an answer, an error, or (cancelled) nothing. */
  #settle(waiting: Waiting, end: string | SecretsError | undefined): void {
    waiting.deadline.stop();
    const key = keyOf(waiting.call.id);
    if (this.#waiting[key] !== waiting) return;
    Reflect.deleteProperty(this.#waiting, key);
    this.#waits -= 1;
    if (end instanceof SecretsError) waiting.fail(end);
    else {
      if (end !== undefined && waiting.alone) waiting.reply.json(end);
      else if (end !== undefined) waiting.reply.event(end);
      waiting.settle();
    }
    if (this.isIdle) this.#listener.idle();
  }
}

/** A text for an id: 1 and "1" are two. */
function keyOf(id: RequestId): string {
  return typeof id === 'number' ? `#${String(id)}` : `"${id}`;
}

function progressTokenOf({ params }: Message): unknown {
  return (params as { progressToken?: unknown } | null | undefined)?.progressToken;
}
