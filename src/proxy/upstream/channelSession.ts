import type { Mode, Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import type { Reply } from '../front/reply';
import { addSecrets } from '../injector';
import type { Injection } from '../injector';
import { cancelledBy, isBatch, isRequest, isResponse, toolsCalled } from '../jsonRpc';
import type { Message, RequestId } from '../jsonRpc';
import type { Post } from '../visit';
import { callTimes } from './deadline';
import { AgentStream } from '../front/agentStream';
import type { Peer } from './peer';
import { Peers } from './peers';
import type { PeersOptions } from './peers';
import { Questions } from './questions';
import { SessionMemory } from './sessionMemory';

/**
 * One agent's session with one server that is reached over a channel. The channel may be replaced behind the session (a
 * secret has a new value, a child died, hung or was idle): what the agent had set is repeated over the new one, and calls
 * under way end with the old one.
 */
export class ChannelSession<S extends Server> {
  readonly #options: PeersOptions<S>;
  readonly #name: string;
  readonly #memory: SessionMemory;
  readonly #peers: Peers<S>;
  readonly #questions = new Questions<Peer>();
  readonly #stream = new AgentStream();

  /** @param handshake whether the agent begins with one: not since MCP 2026-07-28. */
  constructor(server: S, options: PeersOptions<S>, handshake = true) {
    this.#options = options;
    this.#name = server.name;
    this.#memory = new SessionMemory(handshake);
    this.#peers = new Peers(server, this.#memory, options, {
      spoken: (peer, message, text) => this.#spoken(peer, message, text),
      speak: (peer, text, related) => {
        this.#speak(peer, text, related);
      },
      isAsking: (peer) => this.#questions.isAsking(peer),
      gone: (peer) => {
        this.#questions.drop(peer);
      },
      replaced: (news) => {
        for (const text of news) this.#stream.sendOnce(text);
      },
    });
  }

  /** Whether the server has accepted the agent's handshake, if there is one. */
  get began(): boolean {
    return this.#memory.began;
  }

  /** Brings messages to the server; settles when every request among them has its answer. */
  async post(post: Post): Promise<void> {
    this.#peers.touch();
    const ready = this.#readyFor(post);
    const { peer, secrets } = ready instanceof Promise ? await ready : ready;
    const requests = post.messages.filter(isRequest);
    const times = callTimes(post.server, post.calls, this.#options.callTimeoutMs);
    const answers = post.calls.flatMap((call, index) => {
      const request = requests[index];
      return request === undefined ? [] : [peer.expect(call, request, post, times)];
    });
    for (const message of post.messages) this.#deliver(peer, message, post, secrets);
    if (answers.length === 0) {
      post.reply.empty(202);
      return;
    }
    post.reply.onAbandoned(() => {
      peer.abandon(post.reply);
    });
    await (answers.length === 1 ? answers[0] : Promise.all(answers));
    this.#peers.touch();
    if (!post.reply.ended) post.reply.end();
  }

  /** Makes a reply the stream on which the server speaks unasked, until the agent closes it or opens another one. */
  listen(reply: Reply): Promise<void> {
    return this.#stream.open(reply);
  }

  /** As `Peers.tend`. */
  tend(): void {
    this.#peers.tend();
  }

  /** Ends the session with everything that runs for it. Calls under way are answered with an error. */
  async end(why: SecretsError = new SecretsError('upstreamClosed', { server: this.#name })): Promise<void> {
    this.#stream.close();
    await Promise.all(this.#peers.close(why).map((peer) => peer.end()));
  }

  /** Ends the session at once. */
  kill(why: SecretsError): void {
    this.#stream.close();
    for (const peer of this.#peers.close(why)) peer.kill();
  }

  /** The peer for a post, and the secrets that come with its calls; no promise if nothing has to be waited for, as nearly always. */
  #readyFor(post: Post): Ready | Promise<Ready> {
    const isInitialize = post.messages.some(({ method }) => method === 'initialize');
    const peer = this.#peers.ready(post.server as S, isInitialize);
    return peer instanceof Promise || needsCallSecrets(post) ? this.#readyLater(peer, post) : this.#prepared(peer, undefined, post);
  }

  async #readyLater(coming: Peer | Promise<Peer>, post: Post): Promise<Ready> {
    const peer = await coming;
    const secrets = needsCallSecrets(post) ? await this.#callSecrets(peer, post) : undefined;
    if (peer.alive) return this.#prepared(peer, secrets, post);
    if (!peer.ending && peer.failure !== undefined) throw peer.failure;
    // It was replaced while they were opened.
    return this.#readyFor(post);
  }

  /** @throws SecretsError `notJsonRpc`. */
  #prepared(peer: Peer, secrets: Injection | undefined, post: Post): Ready {
    const { versions } = peer.given;
    for (const call of post.calls) {
      call.versions = secrets !== undefined && call.method === 'tools/call' ? { ...versions, ...secrets.versions } : versions;
      for (const other of this.#peers.all)
        if (other.has(call.id)) throw new SecretsError('notJsonRpc', { why: 'its id is that of a request under way' });
    }
    return { peer, secrets };
  }

  /** The secrets that come with tool calls, opened for those of this post. */
  async #callSecrets(peer: Peer, post: Post): Promise<Injection> {
    const modes: readonly Mode[] = ['body', ...this.#options.modes.filter((mode) => mode !== 'env')];
    const injection = await this.#options.injector.inject(post.server, modes, toolsCalled(post.messages));
    peer.exposure.add(injection);
    return injection;
  }

  #deliver(peer: Peer, message: Message, post: Post, { body = {}, headers }: Partial<Injection> = {}): void {
    if (isResponse(message)) {
      this.#deliverAnswer(peer, message, post);
      return;
    }
    this.#memory.notified(message);
    const target = this.#targetOf(message) ?? peer;
    const plain = post.messages.length === 1 && Object.keys(body).length === 0 && !isBatch(post.body);
    const text = plain ? oneLine(post.body.toString()) : JSON.stringify(addSecrets(message, body));
    if (headers !== undefined && message.method === 'tools/call') target.send(text, headers);
    else target.send(text);
  }

  /** Brings the agent's answer to whoever asked. */
  #deliverAnswer(peer: Peer, answer: Message & { readonly id: RequestId }, post: Post): void {
    const question = this.#questions.answer(answer.id);
    const target = question?.peer ?? peer;
    target.answered();
    const plain = post.messages.length === 1 && !isBatch(post.body) && (question === undefined || question.id === answer.id);
    target.send(plain ? oneLine(post.body.toString()) : JSON.stringify({ ...answer, id: question?.id ?? answer.id }));
  }

  /** Where a notification of the agent belongs: to the connection that works on the call, or that asked. */
  #targetOf(message: Message): Peer | undefined {
    const cancelled = cancelledBy(message);
    if (cancelled !== undefined) return [...this.#peers.all].find((peer) => peer.cancel(cancelled));
    if (message.method !== 'notifications/progress') return undefined;
    return this.#questions.ofProgress((message.params as { progressToken?: unknown } | null | undefined)?.progressToken);
  }

  /** The text under which the agent may see a message of a server: with another id, if the id is that of another question. */
  #spoken(peer: Peer, message: Message, text: string): string {
    if (isRequest(message)) {
      const shown = this.#questions.ask(peer, message);
      return shown === message.id ? text : JSON.stringify({ ...message, id: shown });
    }
    const cancelled = cancelledBy(message);
    if (cancelled === undefined) return text;
    const shown = this.#questions.cancel(peer, cancelled);
    return shown === cancelled ? text : JSON.stringify({ ...message, params: { ...(message.params as object), requestId: shown } });
  }

  #speak(peer: Peer, text: string, related: Reply | undefined): void {
    const reply = related ?? this.#stream.reply ?? peer.someReply;
    if (reply?.ended === false) reply.event(text);
    else this.#stream.send(text);
  }
}

/** What a post needs. */
interface Ready {
  readonly peer: Peer;
  /** Those that come with its calls, if any do. */
  readonly secrets: Injection | undefined;
}

function needsCallSecrets({ calls, server }: Post): boolean {
  return (
    calls.some((call) => call.method === 'tools/call') && server.bindings.some(({ mode, tools }) => mode === 'body' || tools !== undefined)
  );
}

/** JSON text on one line: outside of strings line breaks mean nothing, and inside of them they are not allowed. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
