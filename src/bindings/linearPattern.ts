import { RE2JS, RE2Set } from 're2js';
import { MAX_PATTERN_LENGTH, MAX_PATTERN_SIZE, MAX_REPEATED, patternSize } from './patternSize';

/** A pattern that is looked for anywhere in a text, in time linear in the text times its size. */
export interface LinearPattern {
  /** See `PatternSize`. */
  readonly size: number;
  /** Compiled by the first call. */
  test(text: string): boolean;
}

/** Why a pattern cannot be used: it cannot be read, its text is too long, or it is too large once it is written out. */
export type Unusable = 'unreadable' | 'long' | 'large';

/** Bytes of states that are kept for the next text; without room it goes on more slowly. RE2 would take 8 MB for each pattern. */
const MAX_STATES = 256 * 1024;

/**
 * Reads a regular expression as written for JavaScript, for an engine (RE2) that does not backtrack. What would need that
 * (look-around, back references) cannot be expressed. Takes time in proportion to the text of the pattern: nothing is written out
 * or compiled, and what would become too large is not used.
 */
export function linearPattern(source: string): LinearPattern | Unusable {
  if (source.length > MAX_PATTERN_LENGTH) return 'long';
  const text = RE2JS.translateRegExp(source);
  const { size, repeated, once } = patternSize(text);
  if (!isReadable(once)) return 'unreadable';
  if (size > MAX_PATTERN_SIZE || repeated > MAX_REPEATED) return 'large';
  let compiled: RE2Set | undefined;
  return { size, test: (given) => (compiled ??= compile(text, MAX_STATES)).match(given).length > 0 };
}

function isReadable(text: string): boolean {
  try {
    new RE2Set().add(text);
    return true;
  } catch {
    return false;
  }
}

/** A set of one: of the library's ways to look for a pattern the one whose memory can be bounded. */
function compile(text: string, bytes: number): RE2Set {
  const set = new RE2Set(RE2Set.UNANCHORED, 0, bytes);
  set.add(text);
  set.compile();
  return set;
}
