/** A stretch of text that goes, and the mark that takes its place. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly mark: string;
  /** Found without resolving a JSON escape. */
  readonly raw: boolean;
  /** A short value, found as a whole word. */
  readonly word: boolean;
}

/** The text with marks for the stretches. Those that overlap become one. */
export function splice(text: string, stretches: readonly Stretch[]): string {
  const sorted = stretches.toSorted((a, b) => a.start - b.start || b.end - a.end);
  let result = '';
  let done = 0;
  let open: { start: number; end: number; mark: string } | undefined;
  for (const next of sorted) {
    if (open !== undefined && next.start < open.end) {
      open.end = Math.max(open.end, next.end);
      continue;
    }
    if (open !== undefined) {
      result += text.slice(done, open.start) + open.mark;
      done = open.end;
    }
    open = { ...next };
  }
  return open === undefined ? text : result + text.slice(done, open.start) + open.mark + text.slice(open.end);
}

/** As `splice`, for JSON text, which stays JSON. Numbers that are no more than a short value stay: ids and counts look like that. */
export function spliceJson(text: string, stretches: readonly Stretch[]): string {
  const strings = stringsOf(text);
  const escapes = text.includes('\\');
  return splice(
    text,
    stretches.flatMap((stretch) => {
      const first = stringAt(strings, stretch.start);
      const last = stringAt(strings, stretch.end - 1);
      if (first !== undefined && first === last) {
        // With an escape in front, `n` is not an n: what is really there is found with the escapes resolved.
        return stretch.raw && escapes ? [] : [stretch];
      }
      if (stretch.word) return [];
      let { start, end } = stretch;
      while (first === undefined && /[\d.eE+-]/.test(text.charAt(start - 1))) start -= 1;
      while (last === undefined && /[\d.eE+-]/.test(text.charAt(end))) end += 1;
      return [{ ...stretch, start, end, mark: `${first === undefined ? '"' : ''}${stretch.mark}${last === undefined ? '"' : ''}` }];
    }),
  );
}

/** Where the contents of the strings of a JSON text begin, and where they end. */
function stringsOf(text: string): { starts: number[]; ends: number[] } {
  const starts: number[] = [];
  const ends: number[] = [];
  for (let open = text.indexOf('"'); open >= 0; open = text.indexOf('"', (ends.at(-1) ?? text.length) + 1)) {
    let close = text.indexOf('"', open + 1);
    while (close >= 0 && isEscaped(text, close)) close = text.indexOf('"', close + 1);
    starts.push(open + 1);
    ends.push(close < 0 ? text.length : close);
  }
  return { starts, ends };
}

function isEscaped(text: string, index: number): boolean {
  let slashes = 0;
  while (text[index - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 1;
}

/** The number of the string that a place is in. */
function stringAt({ starts, ends }: { starts: readonly number[]; ends: readonly number[] }, index: number): number | undefined {
  const found = lastUpTo(starts, index);
  return found >= 0 && index < (ends[found] ?? 0) ? found : undefined;
}

/** The index of the last number that is not greater than `limit`, in a sorted list; -1 if there is none. */
export function lastUpTo(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
