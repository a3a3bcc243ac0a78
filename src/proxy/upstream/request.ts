import http from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { SecretsError, isSecretsError, reasonOf } from '../../shared/errors';

/** Redirects within one origin that are followed at most. */
const MAX_REDIRECTS = 3;

/** One HTTP request to an upstream. */
export interface UpstreamRequest {
  readonly server: string;
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly url: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** After this long without a byte from the upstream the request fails; 0: never. In ms. */
  readonly idleMs: number;
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
    let url = new URL(request.url);
    for (let hops = 0; ; hops += 1) {
      const response = await this.#once(request, url, true);
      const location = response.headers.location;
      if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return response;
      response.resume();
      const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      const stays = next?.origin === url.origin && [307, 308].includes(response.statusCode ?? 0) && hops < MAX_REDIRECTS;
      if (next === undefined || !stays)
        throw new SecretsError('upstreamRedirect', { server: request.server, origin: next?.origin ?? 'another address' });
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
      const options = { method: request.method, headers: request.headers, agent: secure ? this.#https : this.#http };
      const outgoing = secure ? https.request(url, options) : http.request(url, options);
      const failed = (error: unknown): void => {
        // The server closed a kept connection just when we used it again: nothing of the request was answered.
        const stale = outgoing.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        if (stale && mayRetry) resolve(this.#once(request, url, false));
        else reject(failure(error, request, url));
      };
      outgoing.on('error', failed);
      let body: IncomingMessage | undefined;
      outgoing.on('response', (response) => {
        body = response;
        resolve(response);
      });
      request.onCancel?.(() => void outgoing.destroy());
      if (request.idleMs > 0) {
        outgoing.setTimeout(request.idleMs, () => {
          const seconds = Math.round(request.idleMs / 1000);
          (body ?? outgoing).destroy(new SecretsError('upstreamTimeout', { server: request.server, seconds }));
        });
      }
      outgoing.end(request.body);
    });
  }
}

/** A failed request, or a body that broke off, in our words. */
export function failure(error: unknown, request: Pick<UpstreamRequest, 'server'>, url: URL | undefined): SecretsError {
  if (isSecretsError(error)) return error;
  const reason = reasonOf(error);
  if (url === undefined || reason === 'ECONNRESET' || reason === 'EPIPE' || reason === 'AbortError') {
    return new SecretsError('upstreamClosed', { server: request.server });
  }
  return new SecretsError('upstreamUnreachable', { server: request.server, target: url.origin, reason });
}
