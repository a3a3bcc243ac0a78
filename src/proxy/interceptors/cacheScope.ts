import type { Interceptor } from '../call';
import { CACHEABLE } from '../bridge/era';
import { objectAt, parseMessage } from '../jsonRpc';

/** As it stands in JSON text. In a string its quotes would be escaped. */
const NAME = '"cacheScope"';
/** One of its letters, written as an escape: nobody does that without a purpose. */
const ESCAPED = /\\u00(?:63|61|68|65|53|6f|70)/i;
const PUBLIC = /"cacheScope"\s*:\s*"public"/;

/**
 * What a server answers to somebody with credentials is not for others: the results of servers that have secrets may be kept
 * by their agent only (MCP 2026-07-28, caching). Nothing else of the text is changed.
 */
export const cacheScope: Interceptor = {
  outgoing: (text, { server, call }) => {
    if (server.bindings.length === 0 || call === undefined || !CACHEABLE.has(call.method)) return text;
    const first = text.indexOf(NAME);
    const plain = !ESCAPED.test(text);
    if (plain && first < 0) return text;
    if (plain && first === text.lastIndexOf(NAME) && PUBLIC.test(text)) return text.replace(PUBLIC, `${NAME}:"private"`);
    return rebuilt(text);
  },
};

/** For texts in which it is not plain to see which of several members it is, or how it is written. */
function rebuilt(text: string): string {
  const message = parseMessage(text);
  const result = objectAt(message, 'result');
  if (result === undefined || !Object.hasOwn(result, 'cacheScope') || result.cacheScope === 'private') return text;
  return JSON.stringify({ ...message, result: { ...result, cacheScope: 'private' } });
}
