import { isEscaped } from '../shared/jsonText';
import type { Steps } from '../shared/steps';

/** A value in JSON text: `text.slice(start, end)`. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** What JSON text looks like from outside. */
export interface Outline {
  /** The value that counts, where the wanted names occur: `id`, or `result.isError` one level down. The last one of a name counts, as in `JSON.parse`. */
  readonly places: ReadonlyMap<string, Place>;
}

/** Work between two yields, in characters. */
const STRIDE = 65_536;
/** Names longer than this are never wanted. */
const MAX_NAME = 128;

const LITERAL = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

/**
 * Reads JSON text without making values of it, so that any length can be read in steps. What is inside of strings is not
 * checked.
 * @param wanted paths of one or two names, joined by a dot.
 * @returns `undefined` if the text is not JSON.
 */
export function* outlineOf(text: string, wanted: ReadonlySet<string>): Steps<Outline | undefined> {
  const places = new Map<string, Place>();
  /** The ends of the objects and arrays that are open. */
  const open: string[] = [];
  /** The names of the members that are open, of the outermost two levels. */
  const names: string[] = [];
  const starts: number[] = [];
  let at = skipSpace(text, 0);
  let rest = STRIDE;
  let expects: 'value' | 'valueOrEnd' | 'name' | 'nameOrEnd' | 'next' = 'value';
  for (;;) {
    if (at > rest) {
      rest = at + STRIDE;
      yield;
    }
    const depth = open.length;
    const character = text.charAt(at);
    if ((expects === 'next' || expects === 'valueOrEnd' || expects === 'nameOrEnd') && character === open[depth - 1]) {
      open.pop();
      at += 1;
      expects = 'next';
      ended(depth - 1, at);
    } else if (expects === 'next') {
      if (character !== ',') return undefined;
      at += 1;
      expects = open[depth - 1] === '}' ? 'name' : 'value';
    } else if (expects === 'name' || expects === 'nameOrEnd') {
      if (character !== '"') return undefined;
      const end = yield* stringEnd(text, at);
      if (end === undefined) return undefined;
      if (depth <= 2) names[depth - 1] = nameIn(text, at, end);
      at = skipSpace(text, end);
      if (text.charAt(at) !== ':') return undefined;
      at += 1;
      expects = 'value';
    } else {
      starts[depth] = at;
      if (character === '{' || character === '[') {
        open.push(character === '{' ? '}' : ']');
        if (depth < 2) names[depth] = '';
        at += 1;
        expects = character === '{' ? 'nameOrEnd' : 'valueOrEnd';
      } else {
        const end = character === '"' ? yield* stringEnd(text, at) : literalEnd(text, at);
        if (end === undefined) return undefined;
        at = end;
        expects = 'next';
        ended(depth, at);
      }
    }
    at = skipSpace(text, at);
    if (open.length === 0 && expects === 'next') return at === text.length ? { places } : undefined;
  }

  /** A value at some depth is over. */
  function ended(depth: number, end: number): void {
    if (depth < 1 || depth > 2 || open[0] !== '}' || (depth === 2 && open[1] !== '}')) return;
    const path = names.slice(0, depth).join('.');
    const start = starts[depth] ?? 0;
    // What an earlier member of the same name held does not count.
    if (depth === 1) for (const [inner, place] of places) if (inner.startsWith(`${path}.`) && place.start < start) places.delete(inner);
    if (wanted.has(path)) places.set(path, { start, end });
  }
}

/** Behind the closing quote of the string that opens at `start`; `undefined` if there is none. */
function* stringEnd(text: string, start: number): Steps<number | undefined> {
  let rest = start + STRIDE;
  for (let close = text.indexOf('"', start + 1); close >= 0; close = text.indexOf('"', close + 1)) {
    if (!isEscaped(text, close)) return close + 1;
    if (close > rest) {
      rest = close + STRIDE;
      yield;
    }
  }
  return undefined;
}

function literalEnd(text: string, start: number): number | undefined {
  LITERAL.lastIndex = start;
  return LITERAL.test(text) ? LITERAL.lastIndex : undefined;
}

function skipSpace(text: string, at: number): number {
  if (text.charCodeAt(at) > 0x20) return at;
  SPACE.lastIndex = at;
  SPACE.test(text);
  return SPACE.lastIndex;
}

function nameIn(text: string, start: number, end: number): string {
  if (end - start > MAX_NAME) return '';
  try {
    const name = String(JSON.parse(text.slice(start, end)));
    // A dot in it would make it look like two.
    return name.includes('.') ? '' : name;
  } catch {
    return '';
  }
}
