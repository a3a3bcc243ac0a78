import { lastUpTo } from './splice';

/** Text with one layer of escapes resolved, and the way back to where its characters came from. */
export interface Peeled {
  readonly text: string;
  /** The stretch of the original that `start`..`end` of `text` was written as. It cuts no escape. */
  origin(start: number, end: number): readonly [start: number, end: number];
}

const JSON_ESCAPE = /\\(u[0-9a-fA-F]{4}|[^])/g;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** One percent-encoded character (RFC 3986, UTF-8). */
const URL_ESCAPE = /(%[0-7][0-9a-f]|%[cd][0-9a-f]%[89ab][0-9a-f]|%e[0-9a-f](?:%[89ab][0-9a-f]){2}|%f[0-7](?:%[89ab][0-9a-f]){3})/gi;

/** Resolves JSON escapes wherever they stand; `undefined` if there are none. */
export function peelJson(text: string): Peeled | undefined {
  if (!text.includes('\\')) return undefined;
  return peel(text, JSON_ESCAPE, (code) =>
    code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) : (SHORT_ESCAPES[code] ?? code),
  );
}

/** Resolves percent-encoding wherever it stands; `undefined` if there is none. */
export function peelUrl(text: string): Peeled | undefined {
  if (!text.includes('%')) return undefined;
  return peel(text, URL_ESCAPE, (code) => {
    try {
      return decodeURIComponent(code);
    } catch {
      return code;
    }
  });
}

function peel(text: string, escapes: RegExp, decode: (code: string) => string): Peeled | undefined {
  const result = text.replace(escapes, (_escape: string, code: string) => decode(code));
  if (result === text) return undefined;
  let way: WayBack | undefined;
  return {
    text: result,
    origin: (start, end) => {
      // Made only when something was found.
      way ??= wayBack(text, escapes, decode);
      return [sourceOf(way, start)[0], sourceOf(way, end - 1)[1]];
    },
  };
}

/** Per escape: where its character begins and ends in the new text, and where the escape did in the old one. */
interface WayBack {
  readonly begins: number[];
  readonly ends: number[];
  readonly from: number[];
  readonly to: number[];
}

function wayBack(text: string, escapes: RegExp, decode: (code: string) => string): WayBack {
  const way: WayBack = { begins: [], ends: [], from: [], to: [] };
  let saved = 0;
  for (const match of text.matchAll(escapes)) {
    const length = decode(match[1] ?? '').length;
    way.begins.push(match.index - saved);
    way.ends.push(match.index - saved + length);
    way.from.push(match.index);
    way.to.push(match.index + match[0].length);
    saved += match[0].length - length;
  }
  return way;
}

/** Where the character at `index` of the new text began and ended in the old one. */
function sourceOf({ begins, ends, from, to }: WayBack, index: number): readonly [start: number, end: number] {
  const nearest = lastUpTo(begins, index);
  const behind = index - (ends[nearest] ?? 0);
  if (behind < 0) return [from[nearest] ?? 0, to[nearest] ?? 0];
  const start = (to[nearest] ?? 0) + behind;
  return [start, start + 1];
}
