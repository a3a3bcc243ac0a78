import { SecretsError } from '../../shared/errors';
import type { Clock } from '../../shared/clock';
import type { Call } from '../call';
import type { Session, Sessions } from '../front/sessions';
import { objectAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';
import type { Pipeline } from '../pipeline';
import type { Post, Upstream, Visit } from '../visit';
import { isModern, isModernPost, MODERN_VERSION, versionIn } from './era';
import { helloOf, initializeResult } from './forLegacyAgent';
import { HandshakeReply } from './handshake';
import { endSession } from './endSession';
import { LegacyAgent } from './legacyAgent';
import { ModernAgents } from './modernAgents';
import { ModernServer } from './modernServer';
import { mayBeLegacy } from './probing';
import { Verdicts } from './verdicts';

/** What the bridge needs of the rest. */
export interface BridgeOptions {
  readonly sessions: Sessions;
  readonly pipeline: Pipeline;
  readonly clock: Clock;
}

/** Upstreams that agents and servers of both eras can use. Where both sides are of the legacy era, they are as they were. */
export function bridged<K extends string>(upstreams: Readonly<Record<K, Upstream>>, options: BridgeOptions): Record<K, Upstream> {
  const verdicts = new Verdicts(options.clock);
  const entries = Object.entries<Upstream>(upstreams).map(([type, upstream]) => [type, new Bridge(upstream, verdicts, options)]);
  return Object.fromEntries(entries) as Record<K, Upstream>;
}

/** An upstream behind which agents and servers may be of different eras. */
class Bridge implements Upstream {
  readonly #upstream: Upstream;
  readonly #verdicts: Verdicts;
  readonly #options: BridgeOptions;
  readonly #modern: ModernAgents;
  /** The sessions of legacy agents with modern servers. */
  readonly #translated = new WeakMap<Session, LegacyAgent>();

  constructor(upstream: Upstream, verdicts: Verdicts, options: BridgeOptions) {
    this.#upstream = upstream;
    this.#verdicts = verdicts;
    this.#options = options;
    this.#modern = new ModernAgents({ ...options, upstream, verdicts });
  }

  post(post: Post): Promise<void> {
    const { headers, messages, session } = post;
    if (isModernPost(headers, messages)) return this.#modern.post(post);
    if (session !== undefined) return this.#translated.get(session)?.post(post) ?? this.#upstream.post(post);
    const [request] = messages;
    const [call] = post.calls;
    if (messages.length === 1 && request?.method === 'initialize' && call !== undefined)
      return this.#initialize(post, request as Request, call);
    return this.#upstream.post(post);
  }

  async listen(visit: Visit): Promise<void> {
    if (isModern(versionIn(visit.headers))) throw new SecretsError('methodNotAllowed', { method: 'GET' });
    const translated = visit.session === undefined ? undefined : this.#translated.get(visit.session);
    await (translated ?? this.#upstream).listen(visit);
  }

  async end(session: Session, why?: SecretsError): Promise<void> {
    this.#translated.get(session)?.close(why ?? new SecretsError('upstreamClosed', { server: session.server }));
    this.#modern.closed(session);
    // Without a state there is nothing at the server's side.
    if (session.state !== undefined) await this.#upstream.end(session, why);
  }

  /** A legacy agent's handshake. The server is asked in the agent's own era first, unless it is known that it is of the other one. */
  async #initialize(post: Post, request: Request, call: Call): Promise<void> {
    const speaks = this.#verdicts.speaks(post.server, 'legacy');
    if (speaks === true) {
      await this.#upstream.post(post);
      return;
    }
    const session = this.#upstream.open?.(post);
    try {
      const refused = speaks === false ? undefined : await this.#tryLegacy(post, call, session);
      if (refused === 'accepted') return;
      if (await this.#tryModern(post, request, call, session)) return;
      if (refused === undefined) throw new SecretsError('notBridged', { server: post.server.name, what: `it does not describe itself as ${MODERN_VERSION} wants it` }); // prettier-ignore
      if (refused instanceof SecretsError) throw refused;
      this.#options.pipeline.answered(call, refused.message ?? { jsonrpc: '2.0', error: {} });
      post.reply.json(refused.body, refused.status);
      this.#close(session);
    } catch (error) {
      delete post.reply.headers['mcp-session-id'];
      this.#verdicts.forget(post.server);
      this.#close(session);
      throw error;
    }
  }

  /** @returns `accepted` if the agent has its answer, else why it was refused. @throws SecretsError if the server cannot be reached. */
  async #tryLegacy(
    post: Post,
    call: Call,
    session: Session | undefined,
  ): Promise<'accepted' | NonNullable<HandshakeReply['refused']> | SecretsError> {
    const reply = new HandshakeReply(post.reply);
    const own: Call = { ...call };
    if (session !== undefined) post.reply.headers['mcp-session-id'] = session.id;
    try {
      await this.#upstream.post({ ...post, session, reply, calls: [own] });
    } catch (error) {
      if (!mayBeLegacy(error, false)) throw error;
      return error as SecretsError;
    } finally {
      call.versions = own.versions;
    }
    if (reply.refused !== undefined) return reply.refused;
    // The agent went away before there was an answer: nothing is known of the server.
    if (reply.accepted === undefined && post.reply.abandoned) throw new SecretsError('sessionUnknown', {});
    this.#verdicts.found(post.server, 'legacy', true);
    if (reply.accepted !== undefined) this.#options.pipeline.answered(call, reply.accepted);
    else this.#options.pipeline.end(call, { outcome: 'ok' });
    return 'accepted';
  }

  /** @returns whether the server is modern: then the agent has its answer, and a session. */
  async #tryModern(post: Post, request: Request, call: Call, session: Session | undefined): Promise<boolean> {
    const { server, reply } = post;
    const { clock, pipeline, sessions } = this.#options;
    const hello = helloOf(request);
    const description = await this.#describe(post, request, call, session);
    if (description === undefined) return false;
    this.#verdicts.found(server, 'legacy', false);
    const initialized = initializeResult(request, description, server.name);
    const opened = session ?? sessions.open(post);
    this.#translated.set(opened, new LegacyAgent(post, hello, initialized, session, { upstream: this.#upstream, pipeline, clock }));
    reply.headers['mcp-session-id'] = opened.id;
    const answer: Message = { jsonrpc: '2.0', id: request.id, result: initialized };
    pipeline.answered(call, answer);
    reply.json(JSON.stringify(answer));
    return true;
  }

  /** What a modern server says of itself; `undefined`: it is none, or none of the revision that is translated here. */
  async #describe(post: Post, request: Request, call: Call, session: Session | undefined): Promise<unknown> {
    const server = new ModernServer(this.#upstream, post.agent, post.server, session, helloOf(request));
    try {
      const { message } = await server.ask({ jsonrpc: '2.0', id: 0, method: 'server/discover' }, call).answer;
      const versions = (message.result as { supportedVersions?: unknown } | null | undefined)?.supportedVersions;
      return Array.isArray(versions) && versions.includes(MODERN_VERSION) && objectAt(message, 'result') !== undefined
        ? message.result
        : undefined;
    } catch (error) {
      if (mayBeLegacy(error, session !== undefined)) return undefined;
      throw error;
    }
  }

  #close(session: Session | undefined): void {
    endSession(session, this.#options.sessions, this.#upstream);
  }
}
