import { objectAt, stringAt } from '../jsonRpc';
import type { Request, RequestId } from '../jsonRpc';
import type { Item } from './catalog';
import { choicesOf } from './directory';
import type { Target } from './directory';
import type { Heard } from './exchange';

/** JSON-RPC 2.0; the last one is of MCP 2025-11-25 (resources, error handling). */
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
const RESOURCE_NOT_FOUND = -32002;

/** A request with other fields in its params. */
export function withParams(request: Request, own: Item): Request {
  return { ...request, params: { ...objectAt(request, 'params'), ...own } };
}

/** What a server says of a resource with the URI that the agent knows it by. */
export function withUri({ message, text }: Heard, own: string, shown: string): string {
  const result = objectAt(message, 'result');
  if (!Array.isArray(result?.contents)) return text;
  const contents = (result.contents as unknown[]).map((content) =>
    stringAt(content, 'uri') === own ? { ...(content as Item), uri: shown } : content,
  );
  return JSON.stringify({ ...message, result: { ...result, contents } });
}

/** Nobody, or more than one, has what a URI names. */
export function unclear(id: RequestId, uri: string, targets: readonly Target[]): string {
  if (targets.length === 0) return rpcError(id, RESOURCE_NOT_FOUND, 'Resource not found', { uri });
  return rpcError(id, INVALID_PARAMS, `Several servers may be meant. Say which one: ${choicesOf(targets)}`);
}

/** A result as the text of an answer. */
export function resultAnswer(id: RequestId, result: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

/** An error of JSON-RPC as the text of an answer. */
export function rpcError(id: RequestId, code: number, message: string, data?: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } });
}
