import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { HttpServer } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import type { Logger } from '../../shared/logger';
import { inTurns } from '../../shared/steps';
import { decodedInSteps } from '../../shared/utf8';
import type { Session, Sessions } from '../front/sessions';
import { isModern, versionIn } from '../bridge/era';
import { PARAM_PREFIX } from '../bridge/paramHeaders';
import { Exposure } from '../exposure';
import { addSecrets } from '../injector';
import type { Injection, Injector } from '../injector';
import type { Redactor } from '../interceptors/redactor';
import { copyOf } from '../httpFields';
import { cancelledBy, isBatch, isResponse, parseBatch, toolsCalled } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import { LARGE, readMessage } from '../largeMessage';
import type { Pipeline } from '../pipeline';
import type { Post, Upstream, Visit } from '../visit';
import { bodyOf, replyLimit, wholeBody } from './body';
import { callTimes } from './deadline';
import type { CallTimes } from './deadline';
import { EventRelay } from './eventRelay';
import type { UpstreamResponse } from './exchange';
import type { Connections } from './request';
import { Underway } from './underway';

const SESSION_HEADER = 'mcp-session-id';

/** What an HTTP upstream needs of the rest. */
export interface HttpUpstreamOptions {
  readonly injector: Injector;
  readonly sessions: Sessions;
  readonly pipeline: Pipeline;
  readonly connections: Connections;
  readonly logger: Logger;
  readonly callTimeoutMs: () => number;
}

/** An upstream that speaks Streamable HTTP (MCP 2025-03-26 and later). */
export class HttpUpstream implements Upstream {
  readonly #options: HttpUpstreamOptions;
  readonly #events: EventRelay;
  readonly #underway = new Underway();

  constructor(options: HttpUpstreamOptions) {
    this.#options = options;
    this.#events = new EventRelay(options.pipeline, options.callTimeoutMs, options.logger);
  }

  async post(post: Post): Promise<void> {
    const server = post.server as HttpServer;
    const tools = toolsCalled(post.messages);
    const { injector } = this.#options;
    const injection = injector.injectAtHand(server, undefined, tools) ?? (await injector.inject(server, undefined, tools));
    for (const call of post.calls) call.versions = injection.versions;
    const exposure = exposureIn(post.session, server, injection);
    const times = callTimes(server, post.calls, this.#options.callTimeoutMs);
    let stop = (): void => undefined;
    const answer = this.#send('POST', server, post, injection, withBody(post, injection), times, (cancel) => (stop = cancel));
    // It may fail before it is waited for.
    answer.catch(() => undefined);
    const done = this.#underway.begin(post, () => {
      stop();
    });
    try {
      this.#events.exposed(server.name, injection);
      for (const message of post.messages) if (isResponse(message)) this.#events.asking.answered(post, message.id);
      injector.prepareFor(server.name, exposure.redactor);
      await this.#answer(await answer, server, post, exposure);
    } finally {
      done();
    }
  }

  /** The upstream has answered a post. */
  async #answer(response: UpstreamResponse, server: HttpServer, post: Post, exposure: Exposure): Promise<void> {
    this.#cancel(post);
    const { status } = response;
    const type = mediaType(response.headers);
    if (status === 404 && post.session !== undefined) {
      response.discard();
      this.#options.sessions.close(post.session);
      throw new SecretsError('sessionUnknown', {});
    }
    if (status === 401 || status === 403) {
      response.discard();
      throw new SecretsError('upstreamRefused', { server: server.name, status, secrets: server.bindings.map((b) => b.secret) });
    }
    this.#openSession(post, response, exposure);
    if (status < 300 && type === 'text/event-stream') {
      await this.#events.relay(bodyOf(response, server.name), post, post.calls, exposure);
      return;
    }
    const whole = wholeBody(response, server.name, replyLimit(server));
    const body = whole instanceof Promise ? await whole : whole;
    if (status < 300 && post.calls.length === 0) {
      post.reply.empty(202);
      return;
    }
    await this.#relayJson(body, status, type, post, exposure.redactor);
  }

  /** The upstream has got a post: the calls that it cancels are over. */
  #cancel(post: Post): void {
    this.#underway.cancel(post, this.#options.pipeline);
    for (const message of post.messages) {
      const id = cancelledBy(message);
      if (id !== undefined) this.#events.cancelled(post, id);
    }
  }

  async listen(visit: Visit): Promise<void> {
    const server = visit.server as HttpServer;
    const injection = await this.#options.injector.inject(server);
    const exposure = exposureIn(visit.session, server, injection);
    const response = await this.#send('GET', server, visit, injection, undefined, undefined, () => undefined);
    if (response.status === 200 && mediaType(response.headers) === 'text/event-stream') {
      visit.reply.stream();
      await this.#events.relay(bodyOf(response, server.name), visit, [], exposure);
      return;
    }
    response.discard();
    // "No such stream" is an answer that clients expect (405).
    visit.reply.empty(response.status >= 400 && ![401, 403].includes(response.status) ? response.status : 405);
  }

  async end(session: Session): Promise<void> {
    this.#events.sessionEnded(session);
    const { server, upstreamId } = session.state as HttpSession;
    try {
      const injection = await this.#options.injector.inject(server);
      const response = await this.#options.connections.send({
        server: server.name,
        method: 'DELETE',
        url: server.url,
        headers: [...Object.entries(server.headers).flat(), SESSION_HEADER, upstreamId, ...Object.entries(injection.headers).flat()],
        idleMs: 2_000,
        repeatable: true,
      });
      response.discard();
    } catch {
      // The upstream forgets the session by itself; here it is over either way.
    }
  }

  #send(
    method: 'POST' | 'GET',
    server: HttpServer,
    visit: Visit,
    injection: Injection,
    body: Buffer | string | undefined,
    times: CallTimes | undefined,
    onCancel: (cancel: () => void) => void,
  ): Promise<UpstreamResponse> {
    const session = visit.session?.state as HttpSession | undefined;
    const headers = [...forwarded(visit.headers)];
    add(headers, server.headers);
    if (session !== undefined) headers.push(SESSION_HEADER, session.upstreamId);
    headers.push('accept-encoding', 'identity');
    if (body !== undefined) headers.push('content-type', 'application/json', 'content-length', String(Buffer.byteLength(body)));
    add(headers, injection.headers);
    return this.#options.connections.send({
      server: server.name,
      method,
      url: server.url,
      headers,
      idleMs: times?.silenceMs ?? 0,
      maxMs: times?.ceilingMs,
      othersTurn: () => this.#events.asking.isAsking(visit),
      onCancel: (cancel) => {
        visit.reply.onAbandoned(cancel);
        onCancel(cancel);
      },
      repeatable: method === 'GET',
      body,
    });
  }

  /** An upstream that opens a session gets one of ours in front of it. */
  #openSession(post: Post, response: UpstreamResponse, exposure: Exposure): void {
    const { reply } = post;
    const version = response.headers['mcp-protocol-version'];
    if (typeof version === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(version)) reply.headers['mcp-protocol-version'] = version;
    const upstreamId = response.headers[SESSION_HEADER];
    // Since MCP 2026-07-28 there are no sessions, whatever a server says.
    if (typeof upstreamId !== 'string' || isModern(versionIn(post.headers))) return;
    if (post.session !== undefined) {
      reply.headers[SESSION_HEADER] = post.session.id;
      return;
    }
    const server = post.server as HttpServer;
    const state: HttpSession = { server, upstreamId: copyOf(upstreamId), exposure };
    const session = this.#options.sessions.open(post, state);
    reply.headers[SESSION_HEADER] = session.id;
  }

  async #relayJson(body: Buffer, status: number, type: string, post: Post, redactor: Redactor): Promise<void> {
    const text = body.length <= LARGE ? body.toString() : await inTurns(decodedInSteps(body));
    const name = post.server.name;
    const answers = type === 'application/json' ? await readAnswers(text, post) : undefined;
    // With an HTTP error some servers answer under an id of their own: it is searched like all the rest.
    const matches = status < 400 ? answerAll(answers, post) : answers?.every(({ method }) => method === undefined) === true;
    if (answers === undefined || answers.length === 0 || !matches) {
      if (status >= 400) throw new SecretsError('upstreamStatus', { server: name, status });
      throw new SecretsError('upstreamNonsense', {
        server: name,
        what: answers === undefined ? describe(type, body.length) : 'an answer to another question',
      });
    }
    // Interceptors look at one message at a time; in a batch (2025-03-26) each is one.
    const clean = await this.#options.pipeline.outgoing(text, {
      server: post.server,
      redactor,
      message: answers.length === 1 ? answers[0] : undefined,
      call: post.calls.length === 1 ? post.calls[0] : undefined,
    });
    // As the bytes that came, unless they are no UTF-8: that could be read as something else than what was searched. A small text
    // makes the same bytes again, and goes out together with the headers.
    const asItCame = clean.length > LARGE && clean === text && isUtf8(body);
    post.reply.json(asItCame ? body : clean, status);
    for (const call of post.calls) {
      const answer = answers.find((a) => a.id === call.id) ?? answers[0];
      if (answer !== undefined) this.#options.pipeline.answered(call, answer);
    }
  }
}

interface HttpSession {
  /** As the servers file had it at the last visit: its scope may have been switched. */
  server: HttpServer;
  readonly upstreamId: string;
  /** Everything that the upstream was given in this session. */
  readonly exposure: Exposure;
}

/** What the upstream has been given so far, with what it is given now. */
function exposureIn(session: Session | undefined, server: HttpServer, injection: Injection): Exposure {
  if (session === undefined) return new Exposure(injection);
  const state = session.state as HttpSession;
  state.server = server;
  state.exposure.add(injection);
  return state.exposure;
}

/**
 * The headers of an agent that are passed on, names and values in turn: those that belong to MCP or to tracing. Everything else,
 * `Authorization` above all, stays here.
 */
function forwarded(headers: IncomingHttpHeaders): readonly string[] {
  let found = known.get(headers);
  if (found === undefined) known.set(headers, (found = forwardedOf(headers)));
  return found;
}

/** Of heads that come again and again on a connection (front/requestReader.ts). */
const known = new WeakMap<IncomingHttpHeaders, readonly string[]>();

function forwardedOf(headers: IncomingHttpHeaders): readonly string[] {
  const passed: string[] = [];
  const modern = isModern(versionIn(headers));
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== 'string' || name === SESSION_HEADER) continue;
    // What repeats the body has been compared with it only in requests of the era that has such headers.
    if (!modern && (REPEATED.has(name) || name.startsWith(PARAM_PREFIX))) continue;
    if (FORWARDED.has(name) || name.startsWith('mcp-')) passed.push(name, value);
  }
  return passed;
}

function add(headers: string[], more: Readonly<Record<string, string>>): void {
  for (const name in more) headers.push(name, more[name] ?? '');
}

const REPEATED: ReadonlySet<string> = new Set(['mcp-method', 'mcp-name']);
const FORWARDED = new Set(['accept', 'last-event-id', 'traceparent', 'tracestate', 'baggage']);

/** The body for the upstream: as it came, or with the secrets of mode `body` in the `_meta` of each tool call. */
function withBody(post: Post, injection: Injection): Buffer | string {
  if (Object.keys(injection.body).length === 0 || !post.calls.some((call) => call.method === 'tools/call')) return post.body;
  const messages = post.messages.map((message) => addSecrets(message, injection.body));
  return JSON.stringify(isBatch(post.body) ? messages : messages[0]);
}

function mediaType(headers: IncomingHttpHeaders): string {
  const type = headers['content-type'] ?? '';
  return type === 'application/json' ? type : (type.split(';', 1)[0]?.trim().toLowerCase() ?? '');
}

async function readAnswers(text: string, { calls }: Post): Promise<readonly Message[] | undefined> {
  const batch = parseBatch(text);
  if (batch !== undefined) return batch;
  const read = readMessage(text, ({ id }) => calls.find((call) => call.id === id)?.method);
  const message = read instanceof Promise ? await read : read;
  return message === undefined ? undefined : [message];
}

/** Whether answers are those to the calls of a post: to each one, and to nothing else. */
function answerAll(answers: readonly Message[] | undefined, { calls }: Post): boolean {
  return answers?.length === calls.length && answers.every((answer) => isResponse(answer) && calls.some(({ id }) => id === answer.id));
}

function describe(type: string, bytes: number): string {
  if (bytes === 0) return 'an empty body';
  return type === 'application/json' ? 'JSON that is no JSON-RPC' : type === 'text/html' ? 'a web page' : 'another kind of content';
}
