import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { SecretsError, isSecretsError, reasonOf } from '../../shared/errors';
import { lowerCase } from '../httpFields';
import { NotHttp } from './answerParser';
import { drain } from './drain';
import type { UpstreamRequest, UpstreamResponse } from './exchange';
import { watchIdle } from './idleWatch';
import { LoopbackConnections } from './loopback';
import type { Target } from './loopback';

/** Redirects within one origin that are followed at most. */
const MAX_REDIRECTS = 3;

/** Names of this machine, as `URL.hostname` spells them. */
const LOOPBACK = /^(?:127(?:\.\d+){3}|localhost|\[::1\])$/;

/**
 * Connections to upstreams, kept open between calls. `node:http`, because VS Code gives it the user's proxy and certificates; on
 * this machine, where those do not count, a faster client.
 */
export class Connections {
  readonly #loopback = new LoopbackConnections();
  readonly #http = new http.Agent({ keepAlive: true, scheduling: 'lifo' });
  readonly #https = new https.Agent({ keepAlive: true, scheduling: 'lifo' });

  /**
   * Sends a request and returns the answer when its headers are there. Redirects are followed within the same
   * origin only, with method and body (307, 308).
   * @throws SecretsError `upstreamUnreachable`, `upstreamTimeout`, `upstreamClosed`, `upstreamRedirect`.
   */
  async send(request: UpstreamRequest): Promise<UpstreamResponse> {
    let target = targetOf(request.url);
    for (let hops = 0; ; hops += 1) {
      const response = await this.#once(request, target);
      const { location } = response.headers;
      if (location === undefined || ![301, 302, 303, 307, 308].includes(response.status)) return response;
      response.discard();
      const next = URL.canParse(location, target.url.href) ? new URL(location, target.url) : undefined;
      const stays = next?.origin === target.origin && [307, 308].includes(response.status) && hops < MAX_REDIRECTS;
      // Where it would go is not told: the address is the server's word, and could hold what it was given.
      if (next === undefined || !stays) throw new SecretsError('upstreamRedirect', { server: request.server });
      target = targetOf(next.href);
    }
  }

  /** Closes every kept connection. */
  close(): void {
    this.#loopback.close();
    this.#http.destroy();
    this.#https.destroy();
  }

  #once(request: UpstreamRequest, target: LocalTarget): Promise<UpstreamResponse> {
    const { url } = target;
    const headers = lastOfEach(['host', target.host, ...request.headers]);
    if (!target.isLocal) return this.#overNode(request, url, headers, request.repeatable);
    return this.#loopback.send(request, target, headers, {
      inWords: (error, reached) => failure(error, request, error === undefined || reached ? undefined : url),
      watch: (watched) => watchIdle(request, watched),
    });
  }

  #overNode(request: UpstreamRequest, url: URL, headers: readonly string[], mayRetry: boolean): Promise<UpstreamResponse> {
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
        headers,
        agent: secure ? this.#https : this.#http,
      };
      const outgoing = secure ? https.request(options) : http.request(options);
      let cancelled = false;
      const failed = (error: unknown): void => {
        // The server closed a kept connection just when we used it again: nothing of the request was answered.
        const stale = !cancelled && outgoing.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        if (stale && mayRetry) resolve(this.#overNode(request, url, headers, false));
        else reject(failure(error, request, url));
      };
      outgoing.on('error', failed);
      let body: IncomingMessage | undefined;
      outgoing.on('response', (response) => {
        body = response;
        resolve(answered(response));
      });
      const stop = watchIdle(request, {
        bytesRead: () => outgoing.socket?.bytesRead ?? -1,
        destroy: (error) => (body ?? outgoing).destroy(error),
      });
      outgoing.on('close', stop);
      request.onCancel?.(() => {
        cancelled = true;
        outgoing.destroy();
      });
      // Whoever asked may have gone by now: then nothing is sent.
      if (!outgoing.destroyed) outgoing.end(request.body);
    });
  }
}

function answered(response: IncomingMessage): UpstreamResponse {
  const { statusCode = 0, headers } = response;
  return {
    status: statusCode,
    headers,
    arrived: undefined,
    stream: () => response,
    discard: () => {
      drain(response);
    },
  };
}

/** Node sends headers that are given as a list as often as they are in it: two credentials, or two lengths. */
function lastOfEach(headers: string[]): readonly string[] {
  const names: string[] = [];
  let twice = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = lowerCase(headers[i] ?? '');
    twice ||= names.includes(name);
    names.push(name);
  }
  return twice ? headers.filter((_, i) => names.lastIndexOf(names[i >> 1] ?? '') === i >> 1) : headers;
}

interface LocalTarget extends Target {
  /** Whether it is on this machine, and spoken to in the clear. */
  readonly isLocal: boolean;
}

const targets = new Map<string, LocalTarget>();

/** Taking an address apart costs more than remembering the few there are. */
function targetOf(address: string): LocalTarget {
  let result = targets.get(address);
  if (result === undefined) {
    if (targets.size > 1000) targets.clear();
    const url = new URL(address);
    const { origin, host, pathname, search, protocol, hostname } = url;
    result = { url, origin, host, path: `${pathname}${search}`, isLocal: protocol === 'http:' && LOOPBACK.test(hostname) };
    targets.set(address, result);
  }
  return result;
}

/** A failed request, or a body that broke off, in our words. */
export function failure(error: unknown, request: Pick<UpstreamRequest, 'server'>, url: URL | undefined): SecretsError {
  if (isSecretsError(error)) return error;
  if (error instanceof NotHttp) return new SecretsError('upstreamNonsense', { server: request.server, what: error.message });
  const reason = reasonOf(error);
  // The codes of zlib and of Brotli.
  if (/^Z_|^ERR__ERROR_/.test(reason))
    return new SecretsError('upstreamNonsense', { server: request.server, what: 'a body that does not unpack' });
  if (url === undefined || reason === 'ECONNRESET' || reason === 'EPIPE' || reason === 'AbortError') {
    return new SecretsError('upstreamClosed', { server: request.server });
  }
  return new SecretsError('upstreamUnreachable', { server: request.server, target: url.origin, reason });
}
