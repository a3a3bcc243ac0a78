import { canonical } from '../shared/canonicalJson';

/** A tool as a server describes it, with every field, also those that nobody knows yet. Comes from the server: hostile until proven otherwise. */
export interface Tool {
  readonly name: string;
  readonly title?: unknown;
  readonly description?: unknown;
  readonly inputSchema?: unknown;
  readonly outputSchema?: unknown;
  readonly annotations?: unknown;
  readonly [field: string]: unknown;
}

/** A tool by its name and its one canonical text: two definitions are equal if their texts are, whatever the order of keys. */
export interface Definition {
  readonly name: string;
  /** RFC 8785. */
  readonly text: string;
}

/** UTF-16 units. The specification has 128. */
const MAX_NAME = 256;
/** Levels of objects and arrays. Deeper ones exhaust the stack of those who read them. */
const MAX_DEPTH = 100;
/** Characters of JSON. */
const MAX_TEXT = 256 * 1024;

/**
 * One entry of a list of tools; `undefined` if it has no name that could be kept. A definition that is too large or nested
 * too deeply is replaced by one that says so: it never equals what the server sent, so it stays blocked,
 * and a person cannot accept it.
 */
export function definitionOf(entry: unknown): Definition | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry) || !('name' in entry)) return undefined;
  const { name } = entry;
  if (typeof name !== 'string' || name.length > MAX_NAME) return undefined;
  if (isDeep(entry)) return oversized(name);
  const text = canonical(entry);
  return text.length > MAX_TEXT ? oversized(name) : { name, text };
}

/** What is kept of a definition for which there is no room. */
export function oversized(name: string): Definition {
  return { name, text: canonical({ name, description: 'This definition is too large, or nested too deeply, to be kept and shown.' }) };
}

/** Whether it only stands for one. */
export function isOversized({ name, text }: Definition): boolean {
  return text === oversized(name).text;
}

/** Whether a JSON value has more than 100 levels. Does not recurse. */
export function isDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? (Object.values(item) as unknown[]) : []));
  }
  return false;
}

/** Every string in a JSON value that is not too deep, keys included. */
export function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      if (!Array.isArray(value)) yield key;
      yield* stringsIn(member);
    }
  }
}
