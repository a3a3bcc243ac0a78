import { shapeDigest } from '../../bindings/plan';
import { isSecretsError, SecretsError } from '../../shared/errors';
import type { Call } from '../call';
import type { Session } from '../front/sessions';
import { isRequest, numberAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';
import type { Pipeline } from '../pipeline';
import type { Post } from '../visit';
import type { Answer } from './ask';
import { endSession } from './endSession';
import { envelopeOf, MODERN_VERSION } from './era';
import type { Envelope } from './era';
import { REMOVED, toModernAnswer, toModernResult } from './forModernAgent';
import { LegacyServers } from './legacyServers';
import type { Held } from './legacyServers';
import type { LegacyServerOptions } from './legacyServer';
import { ModernChildren } from './modernChildren';
import { describesModern, discoverRequest, probe } from './probing';
import type { Probed } from './probing';
import { ReplyFilter } from './replyFilter';
import { statusOfCode } from './status';
import { declaredEra } from './verdicts';
import type { Verdicts } from './verdicts';

/** What serving modern agents needs of the rest. */
export interface ModernAgentsOptions extends LegacyServerOptions {
  readonly pipeline: Pipeline;
  readonly verdicts: Verdicts;
  /** As `ProbeOptions` has it. */
  readonly probeMs?: number;
}

/** Brings what modern agents ask to servers of either era. */
export class ModernAgents {
  readonly #options: ModernAgentsOptions;
  readonly #children: ModernChildren;
  readonly #legacy: LegacyServers;
  /** The servers whose era is being found out: each is asked once. */
  readonly #finding = new Map<string, Promise<void>>();

  constructor(options: ModernAgentsOptions) {
    this.#options = options;
    this.#children = new ModernChildren(options.upstream, options.sessions);
    this.#legacy = new LegacyServers(options);
  }

  /** A POST of a modern agent, which has been checked. */
  async post(post: Post): Promise<void> {
    const [request] = post.messages.filter(isRequest);
    const [call] = post.calls;
    // A child that was found to be modern is so as long as it runs.
    const known = this.#options.verdicts.speaks(post.server, 'modern') ?? (this.#children.has(post) || undefined);
    if (request === undefined || call === undefined) {
      if (known === true) await this.#pass(post);
      else post.reply.empty(202);
      return;
    }
    const envelope = envelopeOf(request);
    if (envelope === undefined) throw new SecretsError('envelopeInvalid', {});
    if (known === undefined) await this.#find(post, request, envelope, call);
    else if (known) await this.#pass(post);
    else await this.#translate(post, request, envelope, call);
  }

  /** A session has ended. */
  closed(session: Session): void {
    this.#children.closed(session);
    this.#legacy.closed(session);
  }

  /** Both sides are modern. */
  async #pass(post: Post): Promise<void> {
    const { upstream, verdicts } = this.#options;
    try {
      if (upstream.open !== undefined) await this.#children.post(post);
      else {
        const forget = (): void => {
          verdicts.forget(post.server);
        };
        await upstream.post({ ...post, session: undefined, reply: new WatchedReply(post.reply, forget) });
      }
    } catch (error) {
      if (!isSecretsError(error, 'headerMismatch')) verdicts.forget(post.server);
      throw error;
    }
  }

  /** Nothing is known of the server: it is asked to describe itself, as it may be with any request (2026-07-28, versioning). */
  async #find(post: Post, request: Request, envelope: Envelope, call: Call): Promise<void> {
    const { sessions, upstream, verdicts } = this.#options;
    const key = JSON.stringify([post.server.name, shapeDigest(post.server)]);
    const other = this.#finding.get(key);
    if (other !== undefined) {
      await other;
      await this.post(post);
      return;
    }
    let resolve = (): void => undefined;
    const finding = new Promise<void>((done) => (resolve = done));
    const found = (): void => {
      if (this.#finding.get(key) === finding) this.#finding.delete(key);
      resolve();
    };
    this.#finding.set(key, finding);
    try {
      const session = upstream.open?.(post);
      const question = request.method === 'server/discover' ? request : discoverRequest(request);
      const probed = await probe(question, post, call, session, this.#options).catch((error: unknown) => {
        endSession(session, sessions, upstream);
        throw error;
      });
      const { answer } = probed;
      const modern = answer !== undefined && describesModern(answer.message);
      verdicts.found(post.server, 'modern', modern);
      if (modern && session !== undefined) this.#children.adopt(post, session);
      const answering = modern
        ? this.#passFound(post, call, question === request ? answer : undefined)
        : this.#translate(post, request, envelope, call, probed);
      // What has been opened for the question is taken over by now: others that have waited use it, too.
      found();
      await answering;
    } finally {
      found();
    }
  }

  /** @param answer the server's, if it has been asked what the agent wants to know. */
  async #passFound(post: Post, call: Call, answer: Answer | undefined): Promise<void> {
    if (answer === undefined) {
      await this.#pass(post);
      return;
    }
    this.#options.pipeline.answered(call, answer.message);
    post.reply.json(answer.text, statusOfCode(numberAt(answer.message.error, 'code')));
  }

  /** The server is of the legacy era, as far as is known. @param probed what came of asking it, if it was asked for this request. */
  async #translate(post: Post, request: Request, envelope: Envelope, call: Call, probed?: Probed): Promise<void> {
    const { sessions, verdicts } = this.#options;
    const held = await this.#hold(post, request, envelope, call, probed);
    if (held === 'modern') await this.#pass(post);
    else if ('server' in held) await sessions.during(held.server.session, () => this.#serve(post, request, envelope, call, held));
    else {
      verdicts.forget(post.server);
      this.#answer(post, call, { ...held, id: request.id });
    }
  }

  /** A session for a request, or the answer with which the server refused one; `modern` if it turns out to know none. */
  async #hold(
    post: Post,
    request: Request,
    envelope: Envelope,
    call: Call,
    probed: Probed | undefined,
  ): Promise<Held | Message | 'modern'> {
    const { sessions, upstream, verdicts } = this.#options;
    const session = probed?.session;
    let taken = false;
    try {
      if (envelope.version !== MODERN_VERSION)
        throw new SecretsError('versionUnsupported', {
          server: post.server.name,
          requested: envelope.version,
          supported: [MODERN_VERSION],
        });
      if (REMOVED.has(request.method)) throw new SecretsError('methodUnknown', { method: request.method });
      const held = await this.#legacy.get(post, envelope, call, session);
      const accepted = 'server' in held;
      taken = accepted && held.server.session === session;
      if (!this.#isModern(post, accepted ? undefined : held, probed)) return held;
      verdicts.found(post.server, 'modern', true);
      // A child that has accepted a handshake stays with it, though its server knows both eras.
      if (accepted) return held;
      if (session !== undefined) this.#children.adopt(post, session);
      taken = true;
      return 'modern';
    } finally {
      probed?.close();
      if (!taken) endSession(session, sessions, upstream);
    }
  }

  /**
   * Whether a server that was taken for a legacy one is modern: a child that takes long to start answers only after it was tried with a
   * handshake. @param refusal how it has refused that.
   */
  #isModern({ server }: Post, refusal: Message | undefined, probed: Probed | undefined): boolean {
    const { upstream, verdicts } = this.#options;
    if (upstream.open === undefined || declaredEra(server) !== undefined) return false;
    const late = probed?.close();
    if (late !== undefined && describesModern(late.message)) return true;
    // Another request may have found it out in the meantime.
    return refusal !== undefined && (describesModern(refusal) || verdicts.speaks(server, 'modern') === true);
  }

  async #serve(post: Post, request: Request, envelope: Envelope, call: Call, held: Held): Promise<void> {
    const { server, subscriptions } = held;
    switch (request.method) {
      case 'server/discover': {
        const result = toModernResult(request.method, server.discovered, server.info);
        this.#answer(post, call, { jsonrpc: '2.0', id: request.id, result });
        break;
      }
      case 'subscriptions/listen':
        await subscriptions.serve(request, post.reply, call);
        this.#options.pipeline.end(call, { outcome: 'ok' });
        break;
      default: {
        const answer = await this.#call(post, request, envelope, call, held);
        if (answer !== undefined) this.#answer(post, call, toModernAnswer(answer, request, server.info));
      }
    }
  }

  /** A legacy server's answer; `undefined` if the request went to a new session because the server had forgotten the old one. */
  async #call(post: Post, request: Request, envelope: Envelope, call: Call, held: Held): Promise<Message | undefined> {
    try {
      return await held.server.call(post, request, envelope, call);
    } catch (error) {
      if (!isSecretsError(error, 'sessionUnknown') || post.reply.started) throw error;
      this.#legacy.drop(held);
      await this.#translate(post, request, envelope, call);
      return undefined;
    }
  }

  #answer({ reply }: Post, call: Call, answer: Message): void {
    if (reply.ended) {
      this.#options.pipeline.abandoned(call);
      return;
    }
    this.#options.pipeline.answered(call, answer);
    reply.json(JSON.stringify(answer), statusOfCode(numberAt(answer.error, 'code')));
    reply.end();
  }
}

/** A reply that sees when a server refuses: it may be another one by now. */
class WatchedReply extends ReplyFilter {
  readonly #refused: () => void;

  constructor(reply: Post['reply'], refused: () => void) {
    super(reply);
    this.#refused = refused;
  }

  override json(body: string | Buffer, status = 200): void {
    if (status >= 400) this.#refused();
    super.json(body, status);
  }
}
