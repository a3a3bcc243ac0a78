/** How large a pattern is once it is written out. */
export interface PatternSize {
  /** The steps of the program that it becomes, at least as many as there are; what stands under `{n,m}` counts m times. */
  readonly size: number;
  /** The largest product of counts that stand inside of one another. */
  readonly repeated: number;
  /** The pattern with `{1}` for every count that there can be: if this can be read, so can it; and this takes no writing out. */
  readonly once: string;
}

/** A part of a pattern: what stands between brackets. */
interface Part {
  /** All but the last atom. */
  before: number;
  /** The last atom: what a repetition would be about. */
  last: Atom;
  /** Of all atoms before the last. */
  repeated: number;
}

interface Atom {
  readonly size: number;
  readonly repeated: number;
}

interface Count {
  readonly min: number;
  readonly max: number;
}

/** UTF-16 units of a pattern. */
export const MAX_PATTERN_LENGTH = 1_000;
/** Of one pattern: `^.{0,1000}$` has 2,005. */
export const MAX_PATTERN_SIZE = 2_500;
/** RE2's own limit, also for counts that stand inside of one another. */
export const MAX_REPEATED = 1_000;

const NOTHING: Atom = { size: 0, repeated: 1 };
const COUNT = /\{(0|[1-9]\d*)(?:(,)(0|[1-9]\d*)?)?\}/y;
/** `(?i)` is no atom; `(?i:`, `(?:`, `(?P<name>` and `(` begin one. */
const FLAGS = /\(\?[a-zA-Z-]*\)/y;
const GROUP = /\((?:\?(?:P?<[^>]*>|[a-zA-Z-]*:))?/y;
const ESCAPE = /\\(?:[pP]\{[^}]*\}|[pP].|x\{[^}]*\}|[^])/uy;
/** A class in a class. */
const NAMED = /\[:[^]*?:\]|\\[dDsSwW]|\\[pP](?:\{[^}]*\}|.)/uy;
/** A class of Unicode has hundreds of ranges, the text of others about one range for each two characters. */
const UNICODE_CLASS = 20;
const CLASS_CHARACTERS = 16;

/** How large a pattern (as RE2 reads it) is, found in one pass over its text. Of one that RE2 cannot read it says anything. */
export function patternSize(source: string): PatternSize {
  const outer: Part[] = [];
  let part = newPart();
  let once = '';
  let at = 0;
  const add = (atom: Atom): void => {
    part.before += part.last.size;
    part.repeated = Math.max(part.repeated, part.last.repeated);
    part.last = atom;
  };
  while (at < source.length) {
    const start = at;
    const character = source.charAt(at);
    const count = character === '{' ? matchAt(COUNT, source, at) : undefined;
    at += count?.[0].length ?? 1;
    if (count !== undefined) part.last = times(part.last, readCount(count));
    else if (character === '*' || character === '+' || character === '?') part.last = { ...part.last, size: part.last.size + 2 };
    else if (character === '|') add({ size: 2, repeated: 1 });
    else if (character === '(') {
      const flags = matchAt(FLAGS, source, start);
      at = start + (flags ?? matchAt(GROUP, source, start) ?? '(')[0].length;
      if (flags === undefined) {
        outer.push(part);
        part = newPart();
      }
    } else if (character === ')') {
      const closed = whole(part);
      part = outer.pop() ?? newPart();
      add({ ...closed, size: closed.size + 2 });
    } else if (character === '[') {
      at = endOfClass(source, start);
      add({ size: classSize(source.slice(start, at)), repeated: 1 });
    } else if (source.startsWith('\\Q', start)) {
      at = endOfQuote(source, start);
      add({ size: at - start, repeated: 1 });
    } else if (character === '\\') {
      const escape = matchAt(ESCAPE, source, start)?.[0] ?? character;
      at = start + escape.length;
      add({ size: classSize(escape), repeated: 1 });
    } else add({ size: 1, repeated: 1 });
    once += count !== undefined && isPossible(readCount(count)) ? '{1}' : source.slice(start, at);
  }
  // Whatever was left open is read as if it were closed.
  for (let rest = outer.pop(); rest !== undefined; rest = outer.pop()) {
    const closed = whole(part);
    part = rest;
    add(closed);
  }
  // Where it begins, and the two steps of every program.
  const { size, repeated } = whole(part);
  return { size: size + 3, repeated, once };
}

function newPart(): Part {
  return { before: 0, last: NOTHING, repeated: 1 };
}

function whole({ before, last, repeated }: Part): Atom {
  return { size: Math.max(1, before + last.size), repeated: Math.max(repeated, last.repeated) };
}

function readCount([, least = '0', comma, most]: RegExpExecArray): Count {
  const min = Number(least);
  return { min, max: comma === undefined ? min : most === undefined ? Infinity : Number(most) };
}

/** For RE2. */
function isPossible({ min, max }: Count): boolean {
  return min <= max && min <= MAX_REPEATED && (max <= MAX_REPEATED || max === Infinity);
}

function times({ size, repeated }: Atom, { min, max }: Count): Atom {
  const copies = Math.max(1, max === Infinity ? min : max);
  // Each copy that may be left out takes a step more.
  const optional = max === Infinity ? 0 : Math.max(0, max - min);
  return { size: copies * Math.max(1, size) + optional + 2, repeated: repeated * copies };
}

/** Behind the bracket that ends the class which opens at `start`. */
function endOfClass(source: string, start: number): number {
  let at = start + 1;
  if (source.charAt(at) === '^') at += 1;
  // The first one is a character.
  for (let first = true; at < source.length && (first || source.charAt(at) !== ']'); first = false) {
    const named = matchAt(NAMED, source, at);
    at = named === undefined ? endOfCharacter(source, at) : at + named[0].length;
    // What ends a range is a character, whatever it looks like.
    if (named === undefined && source.charAt(at) === '-' && source.charAt(at + 1) !== ']') at = endOfCharacter(source, at + 1);
  }
  return Math.min(at + 1, source.length);
}

function endOfCharacter(source: string, at: number): number {
  return at + (matchAt(ESCAPE, source, at)?.[0].length ?? 1);
}

function classSize(text: string): number {
  const unicode = text.match(/\\[pP]/g)?.length ?? 0;
  return Math.ceil(text.length / CLASS_CHARACTERS) + unicode * UNICODE_CLASS;
}

function endOfQuote(source: string, start: number): number {
  const end = source.indexOf('\\E', start + 2);
  return end < 0 ? source.length : end + 2;
}

/** @param pattern a sticky one. */
function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
