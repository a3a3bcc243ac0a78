import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { HttpServer } from '../../bindings/server';
import { planDigest } from '../../bindings/plan';
import type { Clock } from '../../shared/clock';
import { SecretsError } from '../../shared/errors';
import type { Vault } from '../../vault/vault';
import type { Call } from '../call';
import type { Session, Sessions } from '../front/sessions';
import { addSecrets, Exposure, inject } from '../injector';
import type { Injection } from '../injector';
import { errorAnswer, isBatch, isResponse, parseMessage } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import type { Redactor } from '../interceptors/redactor';
import type { Pipeline } from '../pipeline';
import type { Post, Upstream, Visit } from '../visit';
import { bodyOf, MAX_MESSAGE_BYTES, readWhole } from './body';
import type { Connections } from './request';
import { failure } from './request';
import { SseSplitter, withData } from './sse';
import type { SseEvent } from './sse';

const SESSION_HEADER = 'mcp-session-id';

/** What an HTTP upstream needs of the rest. */
export interface HttpUpstreamOptions {
  readonly vault: Vault;
  readonly sessions: Sessions;
  readonly pipeline: Pipeline;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly callTimeoutMs: () => number;
}

/** An upstream that speaks Streamable HTTP (MCP 2025-03-26 and later). */
export class HttpUpstream implements Upstream {
  readonly #options: HttpUpstreamOptions;
  /** What each open event stream may let through, by server. */
  readonly #streams = new Map<string, Set<Exposure>>();

  constructor(options: HttpUpstreamOptions) {
    this.#options = options;
  }

  async post(post: Post): Promise<void> {
    const server = post.server as HttpServer;
    const injection = await inject(this.#options.vault, server);
    for (const call of post.calls) call.secrets = [...injection.versions.keys()];
    for (const exposure of this.#streams.get(server.name) ?? []) exposure.add(injection);
    const answer = this.#send('POST', server, post, injection, withBody(post, injection), this.#options.callTimeoutMs());
    // While the server works, not when its answer is there.
    injection.redactor.prepare();
    const response = await answer;
    const status = response.statusCode ?? 0;
    const type = mediaType(response.headers);
    if (status === 404 && post.session !== undefined) {
      response.resume();
      this.#options.sessions.close(post.session);
      throw new SecretsError('sessionUnknown', {});
    }
    if (status === 401 || status === 403) {
      response.resume();
      throw new SecretsError('upstreamRefused', { server: server.name, status, secrets: server.bindings.map((b) => b.secret) });
    }
    this.#openSession(post, response);
    if (status < 300 && type === 'text/event-stream') {
      await this.#relayEvents(bodyOf(response, server.name), post, post.calls, injection);
      return;
    }
    const body = await readWhole(bodyOf(response, server.name), server.name);
    if (status < 300 && post.calls.length === 0) {
      post.reply.empty(202);
      return;
    }
    this.#relayJson(body, status, type, post, injection);
  }

  async listen(visit: Visit): Promise<void> {
    const server = visit.server as HttpServer;
    const injection = await inject(this.#options.vault, server);
    const response = await this.#send('GET', server, visit, injection, undefined, 0);
    if (response.statusCode === 200 && mediaType(response.headers) === 'text/event-stream') {
      visit.reply.stream();
      await this.#relayEvents(bodyOf(response, server.name), visit, [], injection);
      return;
    }
    response.resume();
    // "No such stream" is an answer that clients expect (405).
    visit.reply.empty(
      response.statusCode !== undefined && response.statusCode >= 400 && ![401, 403].includes(response.statusCode)
        ? response.statusCode
        : 405,
    );
  }

  async end(session: Session): Promise<void> {
    const { server, upstreamId } = session.state as HttpSession;
    try {
      const injection = await inject(this.#options.vault, server);
      const response = await this.#options.connections.send({
        server: server.name,
        method: 'DELETE',
        url: server.url,
        headers: [...Object.entries(server.headers).flat(), SESSION_HEADER, upstreamId, ...Object.entries(injection.headers).flat()],
        idleMs: 2_000,
      });
      response.resume();
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
    idleMs: number,
  ): Promise<IncomingMessage> {
    const session = visit.session?.state as HttpSession | undefined;
    const headers: string[] = [];
    forward(visit.headers, headers);
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
      idleMs,
      onCancel: (cancel) => {
        visit.reply.onAbandoned(cancel);
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** An upstream that opens a session gets one of ours in front of it. */
  #openSession(post: Post, response: IncomingMessage): void {
    const { reply } = post;
    const version = response.headers['mcp-protocol-version'];
    if (typeof version === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(version)) reply.headers['mcp-protocol-version'] = version;
    const upstreamId = response.headers[SESSION_HEADER];
    if (typeof upstreamId !== 'string') return;
    if (post.session !== undefined) {
      reply.headers[SESSION_HEADER] = post.session.id;
      return;
    }
    const server = post.server as HttpServer;
    const state: HttpSession = { server, upstreamId };
    const session = this.#options.sessions.open(
      { agent: post.agent, server: server.name, type: server.type, plan: planDigest(server), state },
      this.#options.clock.now(),
    );
    reply.headers[SESSION_HEADER] = session.id;
  }

  #relayJson(body: Buffer, status: number, type: string, post: Post, injection: Injection): void {
    const text = body.toString();
    const name = post.server.name;
    const answers = type === 'application/json' ? parseAnswers(text) : undefined;
    const matches =
      answers?.every((answer) => isResponse(answer) && post.calls.some((call) => call.id === answer.id)) === true &&
      answers.length === post.calls.length;
    if (answers === undefined || answers.length === 0 || (!matches && status < 400)) {
      if (status >= 400) throw new SecretsError('upstreamStatus', { server: name, status });
      throw new SecretsError('upstreamNonsense', {
        server: name,
        what: answers === undefined ? describe(type, body.length) : 'an answer to another question',
      });
    }
    const clean = this.#options.pipeline.outgoing(text, injection.redactor);
    post.reply.json(clean === text ? body : clean, status);
    for (const call of post.calls) {
      const answer = answers.find((a) => a.id === call.id) ?? answers[0];
      if (answer !== undefined) this.#options.pipeline.answered(call, answer);
    }
  }

  /** Passes a stream on, event by event, until it ends. Calls that it leaves without an answer are answered with an error. */
  async #relayEvents(body: Readable, visit: Visit, calls: readonly Call[], injection: Injection): Promise<void> {
    const { pipeline } = this.#options;
    const waiting = new Map(calls.map((call) => [call.id, call]));
    const splitter = new SseSplitter();
    const exposure = this.#openStream(visit.server.name, injection);
    let resumable = false;
    let problem: unknown = new SecretsError('upstreamClosed', { server: visit.server.name });
    body.setEncoding('utf8');
    try {
      for await (const chunk of body as AsyncIterable<string>) {
        for (const event of splitter.push(chunk)) {
          resumable ||= event.id !== undefined;
          await this.#relayEvent(event, visit, waiting, exposure.redactor);
        }
        if (splitter.pending > MAX_MESSAGE_BYTES)
          throw new SecretsError('upstreamTooLarge', { server: visit.server.name, limit: MAX_MESSAGE_BYTES });
      }
    } catch (error) {
      problem = failure(error, { server: visit.server.name }, undefined);
      resumable = false;
    } finally {
      this.#closeStream(visit.server.name, exposure);
    }
    for (const call of waiting.values()) {
      if (visit.reply.ended) pipeline.abandoned(call);
      else pipeline.failed(call, problem);
      // A stream with ids may end early: the agent takes it up again with Last-Event-ID (2025-11-25, transports).
      if (!resumable) visit.reply.event(errorAnswer(call.id, problem));
    }
    visit.reply.end();
  }

  #openStream(server: string, injection: Injection): Exposure {
    const exposure = new Exposure(injection);
    const open = this.#streams.get(server) ?? new Set();
    this.#streams.set(server, open.add(exposure));
    return exposure;
  }

  #closeStream(server: string, exposure: Exposure): void {
    const open = this.#streams.get(server);
    open?.delete(exposure);
    if (open?.size === 0) this.#streams.delete(server);
  }

  async #relayEvent(event: SseEvent, visit: Visit, waiting: Map<string | number, Call>, redactor: Redactor): Promise<void> {
    const { reply } = visit;
    let data = event.data;
    if (data !== undefined && data !== '') {
      const message = parseMessage(data);
      data = this.#options.pipeline.outgoing(data, redactor);
      const call = message !== undefined && isResponse(message) ? waiting.get(message.id) : undefined;
      if (call !== undefined && message !== undefined) {
        waiting.delete(call.id);
        this.#options.pipeline.answered(call, message);
      }
    }
    const text = `${withData(event, data, (line) => redactor.text(line))}\n\n`;
    if (reply.raw(text) || reply.ended) return;
    await new Promise<void>((resolve) => {
      reply.onDrain(resolve);
      reply.onClosed(resolve);
    });
  }
}

interface HttpSession {
  readonly server: HttpServer;
  readonly upstreamId: string;
}

/** Passes on the headers of an agent that belong to MCP or to tracing. Everything else, `Authorization` above all, stays here. */
function forward(from: IncomingHttpHeaders, to: string[]): void {
  for (const name in from) {
    const value = from[name];
    if (typeof value === 'string' && (FORWARDED.has(name) || (name.startsWith('mcp-') && name !== SESSION_HEADER))) to.push(name, value);
  }
}

function add(headers: string[], more: Readonly<Record<string, string>>): void {
  for (const name in more) headers.push(name, more[name] ?? '');
}

const FORWARDED = new Set(['accept', 'last-event-id', 'traceparent', 'tracestate', 'baggage']);

/** The body for the upstream: as it came, or with the secrets of mode `body` in the `_meta` of each tool call. */
function withBody(post: Post, injection: Injection): Buffer | string {
  if (Object.keys(injection.body).length === 0 || !post.calls.some((call) => call.method === 'tools/call')) return post.body;
  const messages = post.messages.map((message) => addSecrets(message, injection.body));
  return JSON.stringify(isBatch(post.body) ? messages : messages[0]);
}

function mediaType(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function parseAnswers(text: string): Message[] | undefined {
  if (!text.trimStart().startsWith('[')) {
    const message = parseMessage(text);
    return message === undefined ? undefined : [message];
  }
  try {
    const answers = (JSON.parse(text) as unknown[]).map((value) => parseMessage(JSON.stringify(value)));
    return answers.every((answer) => answer !== undefined) ? answers : undefined;
  } catch {
    return undefined;
  }
}

function describe(type: string, bytes: number): string {
  if (bytes === 0) return 'an empty body';
  return type === 'application/json' ? 'JSON that is no JSON-RPC' : type === 'text/html' ? 'a web page' : 'another kind of content';
}
