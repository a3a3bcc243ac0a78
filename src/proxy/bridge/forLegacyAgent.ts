import { objectAt, stringAt } from '../jsonRpc';
import type { Message, Request, RequestId } from '../jsonRpc';
import { LEGACY_VERSION, LEGACY_VERSIONS, META, MODERN_VERSION } from './era';
import { without } from './fields';
import type { Fields } from './fields';
import { paramHeaders } from './paramHeaders';

// What a legacy agent and a modern server say, in each other's words. Fields that have nothing to do with the era stay as they are.

/** What a legacy agent said of itself in its handshake. */
export interface Hello {
  readonly capabilities: Fields;
  readonly client: Fields;
}

/** What an `initialize` request says of the agent. */
export function helloOf({ params }: Message): Hello {
  return {
    capabilities: objectAt(params, 'capabilities') ?? {},
    client: objectAt(params, 'clientInfo') ?? { name: 'agent', version: '0' },
  };
}

/** A request of the agent as the server wants it: with everything about its sender. `more` are parameters besides the agent's own. */
export function toModernRequest(request: Request, id: RequestId, hello: Hello, logLevel?: string, more: Fields = {}): Request {
  const params = objectAt(request, 'params') ?? {};
  const meta = {
    ...objectAt(params, '_meta'),
    [META.version]: MODERN_VERSION,
    [META.client]: hello.client,
    // Tasks were an experiment of 2025-11-25 and are something else now.
    [META.capabilities]: without(hello.capabilities, 'tasks'),
    ...(logLevel === undefined ? {} : { [META.logLevel]: logLevel }),
  };
  return { ...request, id, params: { ...params, ...more, _meta: meta } };
}

/** The answer to a legacy handshake, made of a modern server's description of itself. */
export function initializeResult(request: Message, discovered: unknown, server: string): Fields {
  const wanted = stringAt(request.params, 'protocolVersion') ?? '';
  const instructions = stringAt(discovered, 'instructions');
  return {
    protocolVersion: LEGACY_VERSIONS.includes(wanted) ? wanted : LEGACY_VERSION,
    capabilities: objectAt(discovered, 'capabilities') ?? {},
    serverInfo: objectAt(objectAt(discovered, '_meta'), META.server) ?? { name: server, version: '0' },
    ...(instructions === undefined ? {} : { instructions }),
  };
}

/** A server's result as a legacy agent expects it: without what says which kind of result it is, and how long it may be kept. */
export function toLegacyResult(method: string, result: unknown): unknown {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return result;
  const rest = without(result as Fields, 'resultType', 'ttlMs', 'cacheScope');
  if (method === 'tools/call') return withTextOnly(rest);
  return method === 'tools/list' && Array.isArray(rest.tools) ? { ...rest, tools: toLegacyTools(rest.tools) } : rest;
}

/** Structured content that is no object cannot be told to a legacy agent, which gets it as text. */
function withTextOnly(result: Fields): Fields {
  const { structuredContent, ...rest } = result;
  if (structuredContent === undefined || objectAt(result, 'structuredContent') !== undefined) return result;
  const content: unknown[] = Array.isArray(rest.content) ? rest.content : [];
  if (content.some((block) => stringAt(block, 'type') === 'text')) return rest;
  return { ...rest, content: [...content, { type: 'text', text: JSON.stringify(structuredContent) }] };
}

/** Without output schemas of other things than objects, and without tools whose `x-mcp-header`s break the rules: clients must not offer these. */
function toLegacyTools(tools: readonly unknown[]): unknown[] {
  return tools
    .filter((tool) => paramHeaders(objectAt(tool, 'inputSchema')) !== undefined)
    .map((tool) => {
      const { outputSchema, ...rest } = objectAt({ tool }, 'tool') ?? {};
      return outputSchema === undefined || stringAt(outputSchema, 'type') === 'object' ? tool : rest;
    });
}

/** A notification of a subscription as a legacy agent knows it: unasked, for the whole session. */
export function toLegacyNotification(message: Message): Message {
  const { _meta, ...params } = objectAt(message, 'params') ?? {};
  const meta = without(objectAt({ _meta }, '_meta') ?? {}, META.subscription);
  const rest = Object.keys(meta).length > 0 ? { ...params, _meta: meta } : params;
  return Object.keys(rest).length > 0 ? { ...message, params: rest } : (without({ ...message }, 'params') as unknown as Message);
}

/** The subscription that a notification belongs to, if it belongs to one. */
export function subscriptionOf({ params }: Message): RequestId | undefined {
  const id = objectAt(params, '_meta')?.[META.subscription];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** What a legacy agent hears of without having asked, as the filter of a modern subscription; `undefined`: nothing. */
export function filterFor(capabilities: Fields, uris: Iterable<string>): Fields | undefined {
  const filter: Record<string, unknown> = {};
  for (const kind of ['tools', 'prompts', 'resources'] as const)
    if (objectAt(capabilities, kind)?.listChanged === true) filter[`${kind}ListChanged`] = true;
  const resources = [...uris];
  if (resources.length > 0) filter.resourceSubscriptions = resources;
  return Object.keys(filter).length > 0 ? filter : undefined;
}
