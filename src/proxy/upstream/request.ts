import http from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import { SecretsError, isSecretsError, reasonOf } from '../../shared/errors';

/** Redirects within one origin that are followed at most. */
const MAX_REDIRECTS = 3;

/** One HTTP request to an upstream. */
export interface UpstreamRequest {
  readonly server: string;
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly url: string;
  /** Names and values in turn, without Host. Of those with the same name the last one is sent. */
  readonly headers: readonly string[];
  readonly body?: string | Buffer;
  /** After this long without a byte from the upstream the request fails; 0: never. In ms. */
  readonly idleMs: number;
  /** Whether it may be sent again when a kept connection turns out to be closed: never what could do something twice (RFC 9110, 9.2.2). */
  readonly repeatable: boolean;
  /** Is given the means to break the request off. */
  readonly onCancel?: (cancel: () => void) => void;
}

/** Connections to upstreams, kept open between calls. `node:http`, because VS Code gives it the user's proxy and certificates. */
export class Connections {
  readonly #http = new http.Agent({ keepAlive: true, scheduling: 'lifo' });
  readonly #https = new https.Agent({ keepAlive: true, scheduling: 'lifo' });

  /**
   * Sends a request and returns the answer when its headers are there. Redirects are followed within the same
   * origin only, with method and body (307, 308).
   * @throws SecretsError `upstreamUnreachable`, `upstreamTimeout`, `upstreamClosed`, `upstreamRedirect`.
   */
  async send(request: UpstreamRequest): Promise<IncomingMessage> {
    let url = parsed(request.url);
    for (let hops = 0; ; hops += 1) {
      const response = await this.#once(request, url, request.repeatable);
      const location = response.headers.location;
      if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return response;
      response.resume();
      const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      const stays = next?.origin === url.origin && [307, 308].includes(response.statusCode ?? 0) && hops < MAX_REDIRECTS;
      // Where it would go is not told: the address is the server's word, and could hold what it was given.
      if (next === undefined || !stays) throw new SecretsError('upstreamRedirect', { server: request.server });
      url = next;
    }
  }

  /** Closes every kept connection. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #once(request: UpstreamRequest, url: URL, mayRetry: boolean): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:';
      const target = {
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port === '' ? (secure ? 443 : 80) : url.port,
        path: `${url.pathname}${url.search}`,
      };
      const options = {
        ...target,
        method: request.method,
        headers: lastOfEach(['host', url.host, ...request.headers]),
        agent: secure ? this.#https : this.#http,
      };
      const outgoing = secure ? https.request(options) : http.request(options);
      let cancelled = false;
      const failed = (error: unknown): void => {
        // The server closed a kept connection just when we used it again: nothing of the request was answered.
        const stale = !cancelled && outgoing.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        if (stale && mayRetry) resolve(this.#once(request, url, false));
        else reject(failure(error, request, url));
      };
      outgoing.on('error', failed);
      let body: IncomingMessage | undefined;
      outgoing.on('response', (response) => {
        body = response;
        resolve(response);
      });
      watchIdle(request, outgoing, () => body ?? outgoing);
      request.onCancel?.(() => {
        cancelled = true;
        outgoing.destroy();
      });
      // Whoever asked may have gone by now: then nothing is sent.
      if (!outgoing.destroyed) outgoing.end(request.body);
    });
  }
}

/**
 * Breaks a request off when the upstream has sent nothing for `idleMs`, looking four times in that time.
 * Counts the bytes of the connection, so the path of the data has no listener more.
 * @param reader what is told of the failure: the body once there is one, else the request.
 */
function watchIdle({ idleMs, server }: UpstreamRequest, outgoing: ClientRequest, reader: () => ClientRequest | IncomingMessage): void {
  if (idleMs === 0) return;
  let seen = -1;
  let silent = 0;
  const timer = setInterval(() => {
    const read = outgoing.socket?.bytesRead ?? -1;
    silent = read > seen && seen >= 0 ? 0 : silent + 1;
    seen = read;
    if (silent >= 4) reader().destroy(new SecretsError('upstreamTimeout', { server, seconds: Math.round(idleMs / 1000) }));
  }, idleMs / 4);
  outgoing.on('close', () => {
    clearInterval(timer);
  });
}

/** Node sends headers that are given as a list as often as they are in it: two credentials, or two lengths. */
function lastOfEach(headers: string[]): string[] {
  const last = new Map<string, number>();
  for (let i = 0; i < headers.length; i += 2) last.set((headers[i] ?? '').toLowerCase(), i);
  return last.size * 2 === headers.length ? headers : [...last.values()].flatMap((i) => headers.slice(i, i + 2));
}

const urls = new Map<string, URL>();

/** Parsing an address costs more than remembering the few there are. */
function parsed(url: string): URL {
  let result = urls.get(url);
  if (result === undefined) {
    if (urls.size > 1000) urls.clear();
    urls.set(url, (result = new URL(url)));
  }
  return result;
}

/** A failed request, or a body that broke off, in our words. */
export function failure(error: unknown, request: Pick<UpstreamRequest, 'server'>, url: URL | undefined): SecretsError {
  if (isSecretsError(error)) return error;
  const reason = reasonOf(error);
  // The codes of zlib and of Brotli.
  if (/^Z_|^ERR__ERROR_/.test(reason))
    return new SecretsError('upstreamNonsense', { server: request.server, what: 'a body that does not unpack' });
  if (url === undefined || reason === 'ECONNRESET' || reason === 'EPIPE' || reason === 'AbortError') {
    return new SecretsError('upstreamClosed', { server: request.server });
  }
  return new SecretsError('upstreamUnreachable', { server: request.server, target: url.origin, reason });
}
