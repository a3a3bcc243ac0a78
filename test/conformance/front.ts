import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listening } from '../fixtures/sessionServer';
import type { Listening } from '../fixtures/sessionServer';

/**
 * The suite knows no tokens: this stands between it and the proxy and adds the agent's. Everything else goes through
 * as it is. Only the front's own port, where a Host or Origin names it, becomes that of the proxy, so that the suite's
 * attacks meet the proxy's guard as they would without the front.
 * @param upstream where the proxy listens. @returns the front; paths are those of the proxy.
 */
export async function startFront(upstream: URL, token: string): Promise<Listening> {
  const front: Listening = await listening((request, response) => {
    pass(request, response, upstream, token, front.url.port);
  });
  return front;
}

function pass(request: IncomingMessage, response: ServerResponse, upstream: URL, token: string, port: string): void {
  const translated = (value: string): string => value.replace(new RegExp(`:${port}$`), `:${upstream.port}`);
  const { host = '', origin } = request.headers;
  const outgoing = http.request({
    host: upstream.hostname,
    port: upstream.port,
    method: request.method,
    path: request.url,
    headers: {
      ...request.headers,
      host: translated(host),
      ...(origin === undefined ? {} : { origin: translated(origin) }),
      authorization: `Bearer ${token}`,
    },
  });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  outgoing.on('error', () => response.destroy());
  response.on('close', () => outgoing.destroy());
  request.pipe(outgoing);
}
