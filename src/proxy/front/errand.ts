import type { IncomingHttpHeaders } from 'node:http';
import { copyOf } from '../httpFields';
import { nameOfAll } from '../merged/allServers';
import { hashOf } from './agents';
import { bearerToken, refuseForeign } from './guards';
import type { Entrance } from './guards';
import type { AgentRequest } from './request';

/** What a request says before its body: who asks, of what. */
export interface Errand {
  /** Not checked yet. */
  readonly tokenHash: string;
  /** The name in the path, or that of all servers together; `undefined`: there is nothing at this path. */
  readonly server: string | undefined;
  /** Whether its body says that it is JSON. */
  readonly isJson: boolean;
}

/** Those of heads that come again and again on a connection: these are the same object each time. */
const known = new WeakMap<IncomingHttpHeaders, Errand>();

/** The errand of a request, or `health`, for which nobody has to say who asks. @throws SecretsError as `refuseForeign` and `bearerToken`. */
export function errandOf(request: AgentRequest, entrance: Entrance): Errand | 'health' {
  return known.get(request.headers) ?? read(request, entrance);
}

function read({ url, headers }: AgentRequest, entrance: Entrance): Errand | 'health' {
  refuseForeign(headers, entrance);
  const [path = '', query = ''] = url.split('?', 2);
  if (path === '/health') return 'health';
  const errand = {
    tokenHash: hashOf(bearerToken(headers)),
    server: path === '/mcp' ? nameOfAll(query) : serverAt(path),
    isJson: /^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? ''),
  };
  known.set(headers, errand);
  return errand;
}

function serverAt(path: string): string | undefined {
  const name = /^\/mcp\/([A-Za-z0-9._-]{1,64})$/.exec(path)?.[1];
  // It is kept in many places for longer than the head.
  return name === undefined ? undefined : copyOf(name);
}
