import type { IncomingHttpHeaders } from 'node:http';
import { SecretsError } from '../../shared/errors';

/** Where a request came in: a TCP port on the loopback address, or the socket. */
export type Entrance = { readonly port: number } | 'socket';

const LOCAL = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::(\d{1,5}))?$/i;

/**
 * Refuses requests that a web page could have caused. A page that rebinds its own name to 127.0.0.1 still sends
 * that name as Host; a page of another origin sends Origin. (MCP 2025-11-25, transports, security warning.)
 * Agents are no browsers: they send no Origin, or this proxy's own.
 * @throws SecretsError `hostRefused`, `originRefused`.
 */
export function refuseForeign(headers: IncomingHttpHeaders, entrance: Entrance): void {
  const host = headers.host ?? '';
  const match = LOCAL.exec(host);
  if (match === null || (entrance !== 'socket' && Number(match[1] ?? 80) !== entrance.port)) throw new SecretsError('hostRefused', {});
  const origin = headers.origin;
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) throw new SecretsError('originRefused', {});
}

/** The token of a request. @throws SecretsError `tokenMissing` if there is no `Authorization: Bearer` header (RFC 6750). */
export function bearerToken(headers: IncomingHttpHeaders): string {
  const token = /^bearer +([\w~+/.-]+=*) *$/i.exec(headers.authorization ?? '')?.[1];
  if (token === undefined) throw new SecretsError('tokenMissing', {});
  return token;
}
