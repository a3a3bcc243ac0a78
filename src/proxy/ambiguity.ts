import { endOfString } from '../shared/jsonText';

/** Keys that matter, by what they are in lower case. */
export type Keys = ReadonlyMap<string, string>;

/** Makes keys for `misspelled`. */
export function keysOf(...names: readonly string[]): Keys {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}

/** The keys of a message, and of the params of a tool call, by which servers decide what to do. */
const MESSAGE_KEYS = keysOf('jsonrpc', 'id', 'method', 'params', 'result', 'error');
const CALL_KEYS = keysOf('name', 'arguments', 'task', '_meta');

/**
 * Why a message could be read in two ways, so that a server might do something else than was checked here; `undefined` if it
 * cannot: an object that has a key twice (RFC 8259, 4: which one counts is not said), or a key that is another
 * spelling of one that matters (Go's encoding/json takes `Method` for `method`, and `argumentſ` for `arguments`).
 * @param text valid JSON. @param value what it was parsed to.
 */
export function ambiguityIn(text: string, value: unknown): string | undefined {
  if (membersWritten(text) !== membersRead(value)) return 'an object in it has the same key twice';
  for (const message of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (!isObject(message)) continue;
    const twin = misspelledIn(message);
    if (twin !== undefined) return twin;
    if (message.method === 'tools/call' && isObject(message.params)) {
      const inParams = misspelled(message.params, CALL_KEYS);
      if (inParams !== undefined) return inParams;
    }
  }
  return undefined;
}

/** How many members the objects of a JSON text have, those with the same key counted one by one: outside of strings, each has one colon. */
export function membersWritten(text: string): number {
  let colons = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x3a) colons += 1;
    else if (unit === 0x22) at = endOfString(text, at);
  }
  return colons;
}

/** How many members the objects in a value have. Not recursive: messages can be nested without end. */
function membersRead(value: unknown): number {
  let members = 0;
  const rest: unknown[] = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (Array.isArray(next)) for (const item of next) rest.push(item);
    else {
      for (const key in next) {
        members += 1;
        rest.push((next as Record<string, unknown>)[key]);
      }
    }
  }
  return members;
}

/** Says so if a message has one of its own keys in another spelling. Quick: every answer is asked. */
export function misspelledIn(message: object): string | undefined {
  return misspelled(message, MESSAGE_KEYS);
}

/** Says so if a key is none of these, but one of them in another spelling. */
export function misspelled(object: object, known: Keys): string | undefined {
  for (const key in object) {
    if (known.get(key) === key) continue;
    // Up and down again: `ſ` is an `s` in upper case only, the Kelvin sign a `k` in lower case only.
    const right = known.get(key.toUpperCase().toLowerCase());
    if (right !== undefined && right !== key) return `it has "${right}" in another spelling`;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
