import type { IncomingHttpHeaders } from 'node:http';
import { objectAt, stringAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';

/**
 * The two ways in which MCP is spoken. `legacy`: an `initialize` handshake opens a session (up to 2025-11-25).
 * `modern`: every request says for itself what it needs (2026-07-28 and later).
 */
export type Era = 'legacy' | 'modern';

/** The revision of the modern era that is translated here. Later ones are passed on between peers that both speak them. */
export const MODERN_VERSION = '2026-07-28';

/** The newest revision of the legacy era. */
export const LEGACY_VERSION = '2025-11-25';

/** Every revision of the legacy era. */
export const LEGACY_VERSIONS: readonly string[] = ['2024-11-05', '2025-03-26', '2025-06-18', LEGACY_VERSION];

const PREFIX = 'io.modelcontextprotocol/';

/** Keys of `_meta` that MCP 2026-07-28 reserves (basic, `_meta`). */
export const META = {
  version: `${PREFIX}protocolVersion`,
  capabilities: `${PREFIX}clientCapabilities`,
  client: `${PREFIX}clientInfo`,
  logLevel: `${PREFIX}logLevel`,
  server: `${PREFIX}serverInfo`,
  subscription: `${PREFIX}subscriptionId`,
} as const;

/** The levels of log messages, the least important first (RFC 5424). */
export const LOG_LEVELS: readonly string[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Requests whose results say how long they may be kept, and for whom (2026-07-28, caching). */
export const CACHEABLE: ReadonlySet<string> = new Set([
  'tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read', 'server/discover',
]); // prettier-ignore

/** What a request says of its sender (2026-07-28, `_meta` of requests). */
export interface Envelope {
  readonly version: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly client: Readonly<Record<string, unknown>> | undefined;
  readonly logLevel: string | undefined;
}

/** Whether a revision is of the modern era. Revisions are dates. */
export function isModern(version: string | undefined): boolean {
  return version !== undefined && version >= MODERN_VERSION;
}

/** The revision that the headers of a request name. */
export function versionIn(headers: IncomingHttpHeaders): string | undefined {
  const version = headers['mcp-protocol-version'];
  return typeof version === 'string' ? version : undefined;
}

/** Whether a message says in its `_meta` which revision it is of: no message of the legacy era does. */
export function hasClaim({ params }: Message): boolean {
  const meta = objectAt(params, '_meta');
  return meta !== undefined && Object.hasOwn(meta, META.version);
}

/** Whether a POST is of the modern era: one of its messages says so, or its header does. */
export function isModernPost(headers: IncomingHttpHeaders, messages: readonly Message[]): boolean {
  return isModern(versionIn(headers)) || messages.some(hasClaim);
}

/** What a message says of its sender; `undefined` if something is missing or malformed. */
export function envelopeOf({ params }: Message): Envelope | undefined {
  const meta = objectAt(params, '_meta');
  const version = stringAt(meta, META.version);
  const capabilities = objectAt(meta, META.capabilities);
  if (version === undefined || capabilities === undefined) return undefined;
  return { version, capabilities, client: objectAt(meta, META.client), logLevel: stringAt(meta, META.logLevel) };
}
