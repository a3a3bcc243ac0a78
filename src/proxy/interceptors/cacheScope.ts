import type { Server } from '../../bindings/server';
import type { Call, Interceptor } from '../call';
import { CACHEABLE } from '../bridge/era';
import { errorAnswer, objectAt, parseMessage } from '../jsonRpc';
import { Answers, twoWays } from './answers';

/** As it stands in JSON text. In a string its quotes would be escaped. */
const NAME = '"cacheScope"';
/** It, also as readers take it for it that do not look at the case of letters. */
const NAMES = /"cache[s\u017f]cope"/gi;
/** One of its letters, written as an escape: nobody does that without a purpose. */
const ESCAPED = /\\u(?:00(?:[46][1358f]|[57][03])|017f)/i;
const PUBLIC = /"cacheScope"\s*:\s*"public"/;
const PRIVATE = /"cacheScope"\s*:\s*"private"/;

/**
 * What a server answers to somebody with credentials is not for others: the results of servers that have secrets may be kept
 * by their agent only (MCP 2026-07-28, caching). Nothing else of the text is changed.
 */
export const cacheScope: Interceptor = {
  outgoing: (text, { server, call }) => {
    if (server.bindings.length === 0 || call === undefined || !CACHEABLE.has(call.method)) return text;
    const names = text.match(NAMES) ?? [];
    const plain = !ESCAPED.test(text);
    if (plain && names.length === 0) return text;
    if (plain && names.length === 1) {
      if (PRIVATE.test(text)) return text;
      if (PUBLIC.test(text)) return text.replace(PUBLIC, `${NAME}:"private"`);
    }
    return rebuilt(text, server, call);
  },
};

/** For texts in which it is not plain to see which of several members it is, or how it is written. */
function rebuilt(text: string, server: Server, call: Call): string {
  const message = parseMessage(text);
  if (message !== undefined && Answers.in(text)?.isAmbiguous === true) return errorAnswer(call.id, twoWays(server));
  const result = objectAt(message, 'result');
  if (result === undefined || !Object.hasOwn(result, 'cacheScope') || result.cacheScope === 'private') return text;
  return JSON.stringify({ ...message, result: { ...result, cacheScope: 'private' } });
}
