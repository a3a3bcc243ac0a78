import type { StdioServer } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import type { Logger } from '../../shared/logger';
import type { Call } from '../call';
import type { Reply } from '../front/reply';
import { Exposure } from '../exposure';
import { addSecrets } from '../injector';
import type { Injection, Injector } from '../injector';
import { InOrder } from '../inOrder';
import { cancelledBy, errorAnswer, isBatch, isRequest, isResponse, objectAt, parseMessage } from '../jsonRpc';
import type { Message, RequestId } from '../jsonRpc';
import type { Pipeline } from '../pipeline';
import type { Post } from '../visit';
import { Child } from './child';
import { diagnosticsLog } from './diagnostics';
import { childEnvironment } from './environment';

/** Messages that wait for the agent to open a stream. The oldest go first. */
const MAX_QUEUED = 256;

interface Options {
  readonly injector: Injector;
  readonly pipeline: Pipeline;
  readonly logger: Logger;
  readonly callTimeoutMs: () => number;
}

/** A running child with what it was given. */
interface Running {
  readonly child: Child;
  /** Where its secrets are from. */
  readonly scope: string;
  /** The secrets in its environment: their versions and the seals of their values, by name. */
  readonly versions: Injection['versions'];
  readonly seals: Injection['seals'];
  /** Every value that it has been given. */
  readonly exposure: Exposure;
  readonly pending: Map<RequestId, Pending>;
  /** Requests that the child sent to the agent and that wait for an answer. */
  readonly asked: Set<RequestId>;
  /** Requests of our own: the agent does not see their answers. */
  readonly hidden: Map<RequestId, (error: SecretsError | undefined) => void>;
  /** What the child has said and is on its way to the agent. */
  readonly received: InOrder;
}

/** A call that waits for its answer. */
interface Pending {
  readonly call: Call;
  readonly reply: Reply;
  readonly progressToken: unknown;
  readonly settle: () => void;
  /** Ends the wait with an error, and sees to it that the agent is told. */
  readonly fail: (error: SecretsError) => void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * One agent's session with one stdio server. The child may be replaced behind the session (a secret has a new
 * value, the child died): the handshake is then repeated with the new child, and calls under way end with the old one.
 */
export class StdioSession {
  readonly #options: Options;
  /** As the servers file has it now; only its scope can be another one than when the session began. */
  #server: StdioServer;
  #running: Running | undefined;
  #starting: Promise<Running> | undefined;
  readonly #children = new Set<Running>();
  /** The agent's handshake, to be repeated with another child. */
  #handshake: { initialize: Message; initialized: Message | undefined } | undefined;
  #stream: Reply | undefined;
  #queue: string[] = [];
  #replays = 0;
  #began = false;
  #ended = false;

  constructor(server: StdioServer, options: Options) {
    this.#server = server;
    this.#options = options;
  }

  /** Whether a child has accepted the agent's handshake. */
  get began(): boolean {
    return this.#began;
  }

  /** Brings messages to the child; settles when every request among them has its answer. */
  async post(post: Post): Promise<void> {
    this.#server = post.server as StdioServer;
    const running = await this.#ready(post.messages.some((m) => m.method === 'initialize'));
    const inBody = await this.#bodySecrets(running, post);
    const body = inBody?.body ?? {};
    for (const call of post.calls)
      call.versions = inBody !== undefined && call.method === 'tools/call' ? { ...running.versions, ...inBody.versions } : running.versions;
    if (post.calls.some((call) => running.pending.has(call.id)))
      throw new SecretsError('notJsonRpc', { why: 'its id is that of a request under way' });
    const answers = post.calls.map((call) => this.#expect(running, call, post));
    for (const message of post.messages) this.#deliver(running, message, post, body);
    if (answers.length === 0) {
      post.reply.empty(202);
      return;
    }
    post.reply.onAbandoned(() => {
      this.#abandon(running, post);
    });
    await Promise.all(answers);
    if (!post.reply.ended) post.reply.end();
  }

  /** Makes a reply the stream on which the server speaks unasked, until the agent closes it or opens another one. */
  listen(reply: Reply): Promise<void> {
    this.#stream?.end();
    this.#stream = reply;
    reply.stream();
    for (const text of this.#queue.splice(0)) reply.event(text);
    return new Promise((resolve) => {
      reply.onClosed(() => {
        if (this.#stream === reply) this.#stream = undefined;
        resolve();
      });
    });
  }

  /** Ends the session with all its children. Calls under way are answered with an error. */
  async end(why: SecretsError = new SecretsError('upstreamClosed', { server: this.#server.name })): Promise<void> {
    await Promise.all(this.#close(why).map((running) => running.child.end()));
  }

  /** Ends the session at once: its children are killed. */
  kill(why: SecretsError): void {
    for (const running of this.#close(why)) running.child.kill();
  }

  #close(why: SecretsError): Running[] {
    this.#ended = true;
    this.#stream?.end();
    const children = [...this.#children];
    for (const running of children) this.#fail(running, why);
    return children;
  }

  /** The child to speak to: the one that runs, or a new one that has had the handshake. */
  async #ready(isInitialize: boolean): Promise<Running> {
    if (this.#ended) throw new SecretsError('sessionUnknown', {});
    const running = this.#running;
    if (running?.child.alive === true && this.#isCurrent(running)) {
      this.#options.injector.checkExpiry(this.#server, running.seals.keys());
      return running;
    }
    this.#starting ??= this.#replace(running, isInitialize).finally(() => (this.#starting = undefined));
    const started = await this.#starting;
    // The server may have been switched to another scope while it started.
    return started.scope === this.#server.scope ? started : this.#ready(isInitialize);
  }

  /** Whether the child has the current values of its secrets. */
  #isCurrent({ seals, scope }: Running): boolean {
    return scope === this.#server.scope && this.#options.injector.isCurrent(seals, scope);
  }

  async #replace(old: Running | undefined, isInitialize: boolean): Promise<Running> {
    const next = await this.#start();
    if (!isInitialize && this.#handshake !== undefined) {
      try {
        await this.#repeatHandshake(next, this.#handshake);
      } catch (error) {
        void next.child.end();
        throw error;
      }
    }
    this.#running = next;
    if (old?.pending.size === 0) void old.child.end();
    return next;
  }

  async #start(): Promise<Running> {
    const server = this.#server;
    const injection = await this.#options.injector.inject(server, ['env']);
    if (this.#ended) throw new SecretsError('sessionUnknown', {});
    const exposure = new Exposure(injection);
    const { name, command, args, cwd, env, scope } = server;
    const log = diagnosticsLog(name, () => exposure.redactor, this.#options.logger);
    const running: Running = {
      scope,
      versions: injection.versions,
      seals: injection.seals,
      exposure,
      hidden: new Map(),
      pending: new Map(),
      asked: new Set(),
      received: new InOrder(),
      child: new Child(
        { server: name, command, args, cwd, env: childEnvironment(process.env, env, injection.env) },
        {
          line: (text) => {
            this.#receive(running, text);
          },
          diagnostics: log.write,
          gone: (error) => {
            log.flush();
            this.#children.delete(running);
            // What it said last still counts.
            running.received.push('', () => {
              this.#fail(running, error);
            });
          },
        },
      ),
    };
    this.#children.add(running);
    return running;
  }

  async #repeatHandshake(
    running: Running,
    { initialize, initialized }: { initialize: Message; initialized: Message | undefined },
  ): Promise<void> {
    this.#replays += 1;
    const id = `mcp-secrets/handshake/${String(this.#replays)}`;
    await new Promise<void>((resolve, reject) => {
      const server = this.#server.name;
      const timer = setTimeout(() => {
        reject(new SecretsError('upstreamTimeout', { server, seconds: this.#options.callTimeoutMs() / 1000 }));
      }, this.#options.callTimeoutMs());
      running.hidden.set(id, (error) => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      });
      running.child.send(JSON.stringify({ ...initialize, id }));
    });
    if (initialized !== undefined) running.child.send(JSON.stringify(initialized));
  }

  #expect(running: Running, call: Call, post: Post): Promise<void> {
    const message = post.messages.find((m) => m.id === call.id && isRequest(m));
    const progressToken = objectAt(message?.params, '_meta')?.progressToken;
    return new Promise((settle, reject) => {
      const fail = (error: SecretsError): void => {
        this.#options.pipeline.failed(call, error);
        post.reply.event(errorAnswer(call.id, error));
        settle();
      };
      // A post with one call fails as a whole, and the relay answers; in a batch, others may have their answers.
      const pending: Pending = {
        call,
        reply: post.reply,
        progressToken,
        settle,
        fail: post.calls.length === 1 ? reject : fail,
        timer: undefined,
      };
      running.pending.set(call.id, pending);
      this.#watch(running, pending);
    });
  }

  /** Starts, or starts again, the time that a call may take without a sign of life. It does not pass while the agent owes the server an answer. */
  #watch(running: Running, pending: Pending): void {
    clearTimeout(pending.timer);
    const ms = this.#options.callTimeoutMs();
    pending.timer = setTimeout(() => {
      if (running.asked.size > 0) {
        this.#watch(running, pending);
        return;
      }
      this.#settle(running, pending, new SecretsError('upstreamTimeout', { server: this.#server.name, seconds: Math.round(ms / 1000) }));
      running.child.send(
        JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: pending.call.id, reason: 'timeout' } }),
      );
    }, ms);
  }

  /** The secrets of mode `body`, opened for the tool calls of this post. */
  async #bodySecrets(running: Running, post: Post): Promise<Injection | undefined> {
    if (!post.calls.some((call) => call.method === 'tools/call') || !post.server.bindings.some((b) => b.mode === 'body')) return undefined;
    const injection = await this.#options.injector.inject(post.server, ['body']);
    running.exposure.add(injection);
    return injection;
  }

  #deliver(running: Running, message: Message, post: Post, body: Readonly<Record<string, string>>): void {
    if (message.method === 'initialize') this.#handshake = { initialize: message, initialized: undefined };
    if (message.method === 'notifications/initialized' && this.#handshake !== undefined) this.#handshake.initialized = message;
    let target = running;
    if (isResponse(message)) {
      target = [...this.#children].find((r) => r.asked.delete(message.id)) ?? running;
      for (const pending of target.pending.values()) this.#watch(target, pending);
    }
    if (message.method === 'notifications/cancelled') target = this.#cancel(message) ?? running;
    const asItCame = post.messages.length === 1 && Object.keys(body).length === 0 && !isBatch(post.body);
    target.child.send(asItCame ? oneLine(post.body.toString()) : JSON.stringify(addSecrets(message, body)));
  }

  /** A cancelled call gets no answer (MCP, cancellation): its reply just ends. Returns the child that works on it. */
  #cancel(message: Message): Running | undefined {
    const id = cancelledBy(message);
    for (const running of this.#children) {
      const pending = id === undefined ? undefined : running.pending.get(id);
      if (pending === undefined) continue;
      this.#options.pipeline.end(pending.call, { outcome: 'error', errorKind: 'cancelled' });
      this.#settle(running, pending, undefined);
      return running;
    }
    return undefined;
  }

  #receive(running: Running, text: string): void {
    const message = parseMessage(text);
    if (message === undefined) {
      this.#options.logger.warn(
        `[${this.#server.name}] wrote a line to its standard output that is no MCP message: ${running.exposure.redactor.text(text).slice(0, 200)}`,
      );
      return;
    }
    const call = isResponse(message) ? running.pending.get(message.id)?.call : undefined;
    const about = { server: this.#server, redactor: running.exposure.redactor, message, call };
    running.received.push(this.#options.pipeline.outgoing(text, about), (clean) => {
      this.#pass(running, message, clean);
    });
  }

  #pass(running: Running, message: Message, text: string): void {
    if (isResponse(message)) {
      this.#answer(running, message, text);
      return;
    }
    const cancelled = cancelledBy(message);
    if (isRequest(message)) running.asked.add(message.id);
    else if (cancelled !== undefined) running.asked.delete(cancelled);
    this.#speak(running, message, text);
  }

  #answer(running: Running, message: Message & { readonly id: RequestId }, text: string): void {
    const hidden = running.hidden.get(message.id);
    if (hidden !== undefined) {
      running.hidden.delete(message.id);
      hidden(
        message.error === undefined
          ? undefined
          : new SecretsError('upstreamNonsense', { server: this.#server.name, what: 'a refused handshake' }),
      );
      return;
    }
    const pending = running.pending.get(message.id);
    if (pending === undefined) return;
    if (pending.call.method === 'initialize') {
      if (message.error === undefined) this.#began = true;
      else delete pending.reply.headers['mcp-session-id'];
    }
    this.#options.pipeline.answered(pending.call, message);
    this.#settle(running, pending, text);
  }

  /** Brings a request or notification of the server to the agent. */
  #speak(running: Running, message: Message, text: string): void {
    const token =
      message.method === 'notifications/progress' ? (message.params as { progressToken?: unknown } | undefined)?.progressToken : undefined;
    const inFlight = [...running.pending.values()];
    const related = token === undefined ? undefined : inFlight.find((p) => p.progressToken === token);
    // Progress is a sign of life of its call.
    if (related !== undefined) this.#watch(running, related);
    const reply = related?.reply ?? this.#stream ?? inFlight.find((p) => !p.reply.ended)?.reply;
    if (reply !== undefined && !reply.ended) reply.event(text);
    else if (this.#queue.push(text) > MAX_QUEUED) this.#queue.shift();
  }

  /** Ends the wait of a call: with an answer, an error, or (cancelled) nothing. */
  #settle(running: Running, pending: Pending, end: string | SecretsError | undefined): void {
    clearTimeout(pending.timer);
    if (!running.pending.delete(pending.call.id)) return;
    if (end instanceof SecretsError) pending.fail(end);
    else {
      const alone = ![...running.pending.values()].some((p) => p.reply === pending.reply);
      if (end !== undefined && alone) pending.reply.json(end);
      else if (end !== undefined) pending.reply.event(end);
      pending.settle();
    }
    if (running !== this.#running && running.pending.size === 0) void running.child.end();
  }

  #fail(running: Running, error: SecretsError): void {
    for (const pending of [...running.pending.values()]) this.#settle(running, pending, error);
    for (const hidden of running.hidden.values()) hidden(error);
    running.hidden.clear();
  }

  #abandon(running: Running, post: Post): void {
    for (const pending of [...running.pending.values()].filter((p) => p.reply === post.reply)) {
      this.#options.pipeline.abandoned(pending.call);
      this.#settle(running, pending, undefined);
    }
  }
}

/** JSON text on one line: outside of strings line breaks mean nothing, and inside of them they are not allowed. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
