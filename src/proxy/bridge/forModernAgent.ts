import { numberAt, objectAt, parseMessage, stringAt } from '../jsonRpc';
import type { Message, Request, RequestId } from '../jsonRpc';
import { CACHEABLE, LEGACY_VERSION, META, MODERN_VERSION } from './era';
import type { Envelope } from './era';
import { without } from './fields';
import type { Fields } from './fields';

// What a modern agent and a legacy server say, in each other's words. Fields that have nothing to do with the era stay as they are.

const RESOURCE_NOT_FOUND = -32002;
const INVALID_PARAMS = -32602;

/** Requests of the legacy era that the modern one does not have. */
export const REMOVED: ReadonlySet<string> = new Set([
  'initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe',
  'roots/list', 'sampling/createMessage', 'elicitation/create',
]); // prettier-ignore

/** The handshake with a legacy server on behalf of a modern agent. */
export function initializeRequest(id: RequestId, { capabilities, client }: Envelope): Request {
  return {
    jsonrpc: '2.0',
    id,
    method: 'initialize',
    params: { protocolVersion: LEGACY_VERSION, capabilities, clientInfo: client ?? { name: 'agent', version: '0' } },
  };
}

/** A legacy server's description of itself, as the result of `server/discover`. */
export function discoverResult(initialized: unknown): Fields {
  const version = stringAt(initialized, 'protocolVersion');
  const instructions = stringAt(initialized, 'instructions');
  return {
    supportedVersions: [MODERN_VERSION, ...(version === undefined ? [] : [version])],
    // Tasks were an experiment of 2025-11-25 and are something else now.
    capabilities: without(objectAt(initialized, 'capabilities') ?? {}, 'tasks'),
    ...(instructions === undefined ? {} : { instructions }),
  };
}

/** A request of the agent as a legacy server wants it. The ids of several agents' windows meet in one session: each gets its own. */
export function toLegacyRequest(request: Request, id: RequestId): Request {
  const { _meta, ...params } = objectAt(request, 'params') ?? {};
  const said = without(objectAt({ _meta }, '_meta') ?? {}, ...Object.values(META));
  const meta = said.progressToken === undefined ? said : { ...said, progressToken: id };
  const rest = Object.keys(meta).length > 0 ? { ...params, _meta: meta } : params;
  return { ...request, id, params: rest };
}

/** A legacy server's answer as a modern agent expects it. */
export function toModernAnswer(answer: Message, request: Request, serverInfo: unknown): Message {
  if (answer.error !== undefined) return { ...answer, id: request.id, error: toModernError(answer.error) };
  return { ...answer, id: request.id, result: toModernResult(request.method, answer.result, serverInfo) };
}

/** A result with what the modern era requires of it: its kind, that it may not be kept, and who gave it. */
export function toModernResult(method: string, result: unknown, serverInfo: unknown): unknown {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return result;
  const fields = result as Fields;
  const meta = { ...(serverInfo === undefined ? {} : { [META.server]: serverInfo }), ...objectAt(fields, '_meta') };
  return {
    ...fields,
    resultType: 'complete',
    ...(CACHEABLE.has(method) ? { ttlMs: 0, cacheScope: 'private' } : {}),
    ...(Object.keys(meta).length > 0 ? { _meta: meta } : {}),
  };
}

function toModernError(error: unknown): unknown {
  return numberAt(error, 'code') === RESOURCE_NOT_FOUND ? { ...(error as Fields), code: INVALID_PARAMS } : error;
}

/** Progress on a call of the agent, under the agent's own token. */
export function toModernProgress(message: Message, token: unknown): Message {
  return { ...message, params: { ...objectAt(message, 'params'), progressToken: token } };
}

/** What the server hears of without the modern agent's subscription being its own: which agents' filters let a notification through. */
export function accepts(filter: Fields, { method, params }: Message): boolean {
  switch (method) {
    case 'notifications/tools/list_changed':
      return filter.toolsListChanged === true;
    case 'notifications/prompts/list_changed':
      return filter.promptsListChanged === true;
    case 'notifications/resources/list_changed':
      return filter.resourcesListChanged === true;
    case 'notifications/resources/updated':
      return urisIn(filter).includes(stringAt(params, 'uri') ?? '');
    default:
      return false;
  }
}

/** A notification of our own as an open `subscriptions/listen` wants it, as JSON text; `undefined` if it does not, or is something else. */
export function newsFor(request: Message | undefined, notification: string): string | undefined {
  if (request?.method !== 'subscriptions/listen' || request.id === undefined) return undefined;
  const message = parseMessage(notification);
  const filter = objectAt(request.params, 'notifications');
  if (message === undefined || filter === undefined || !accepts(filter, message)) return undefined;
  return JSON.stringify(toModernNotification(message, request.id));
}

/** The resources that a filter asks for. */
export function urisIn(filter: Fields): string[] {
  const uris = filter.resourceSubscriptions;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
}

/** What a server can fulfil of a filter. */
export function honored(filter: Fields, capabilities: unknown): Fields {
  const result: Record<string, unknown> = {};
  for (const kind of ['tools', 'prompts', 'resources'] as const) {
    const key = `${kind}ListChanged`;
    if (filter[key] === true && objectAt(capabilities, kind)?.listChanged === true) result[key] = true;
  }
  const uris = objectAt(capabilities, 'resources')?.subscribe === true ? urisIn(filter) : [];
  return uris.length > 0 ? { ...result, resourceSubscriptions: uris } : result;
}

/** A notification under the id of the subscription that asked for it. */
export function toModernNotification(message: Message, subscription: RequestId): Message {
  const params = objectAt(message, 'params') ?? {};
  return { ...message, params: { ...params, _meta: { ...objectAt(params, '_meta'), [META.subscription]: subscription } } };
}
