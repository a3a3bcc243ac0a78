import { inTurns } from '../shared/steps';
import type { Steps } from '../shared/steps';
import { outlineOf } from './jsonOutline';
import { isResponse, parseMessage, stringAt } from './jsonRpc';
import type { Message } from './jsonRpc';

/** Messages above this length are read and searched in turns with everything else, in UTF-16 units. */
export const LARGE = 262_144;
/** A member of a large message that is longer than this is content. */
const MAX_MEMBER = 65_536;

/** What the relay itself looks at in an answer. */
const MEMBERS: ReadonlySet<string> = new Set([
  'jsonrpc', 'id', 'method', 'result', 'result.isError', 'result.resultType', 'error', 'error.code', 'error.message',
]); // prettier-ignore

/** Answers to these are content for the agent. Everything else is the protocol's business, and is read whole. */
const CONTENT: ReadonlySet<string> = new Set(['tools/call', 'resources/read', 'prompts/get', 'tasks/result']);

/**
 * Reads one message of a server. Of a large answer with content only what the relay itself looks at is there: `result` is
 * without what is in it, for example.
 * @param methodOf the method of the request that an answer is for, if that is known.
 * @returns `undefined` if it is no JSON-RPC message; a promise for large ones only.
 */
export function readMessage(
  text: string,
  methodOf: (answer: Message) => string | undefined,
): Message | undefined | Promise<Message | undefined> {
  if (text.length <= LARGE) return parseMessage(text);
  return inTurns(outlined(text)).then((message) => {
    if (message === undefined) return undefined;
    const isContent = isResponse(message) && CONTENT.has(methodOf(message) ?? '') && !asksForMore(message);
    return isContent ? message : parseMessage(text);
  });
}

/** Whether an answer wants the request to be repeated (MCP 2026-07-28). */
function asksForMore(message: Message): boolean {
  return !['complete', undefined].includes(stringAt(message.result, 'resultType'));
}

function* outlined(text: string): Steps<Message | undefined> {
  const outline = yield* outlineOf(text, MEMBERS);
  if (outline === undefined) return undefined;
  const message: Record<string, unknown> = {};
  const inner: Record<string, Record<string, unknown>> = { result: {}, error: {} };
  for (const [path, { start, end }] of outline.places) {
    const [name = '', member] = path.split('.');
    const value = end - start <= MAX_MEMBER ? parsed(text.slice(start, end)) : undefined;
    const owner = member === undefined ? message : inner[name];
    if (owner !== undefined) owner[member ?? name] = value;
  }
  for (const name of ['result', 'error']) if (name in message) message[name] ??= inner[name];
  return parseMessage(JSON.stringify(message));
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
