import { lastUpTo } from './splice';
import { forEachEscape, hexDigit, unescapeJson } from './unescapeJson';

/** The stretch of a text that `start`..`end` of what it says was written as. It cuts no escape. */
export type Origin = (start: number, end: number) => readonly [start: number, end: number];

/** Text with one layer of escapes resolved, and the way back to where its characters came from. */
export interface Peeled {
  readonly text: string;
  readonly origin: Origin;
}

/** Says what an escape that stands at `index` of `text` means. */
type Decode = (escape: string, index: number, text: string) => string;

/** One percent-encoded character (RFC 3986, UTF-8). */
const URL_ESCAPE = /%(?:[0-7][0-9a-f]|[cd][0-9a-f]%[89ab][0-9a-f]|e[0-9a-f](?:%[89ab][0-9a-f]){2}|f[0-7](?:%[89ab][0-9a-f]){3})/gi;

/** A character as HTML escapes it. Other named characters than these are not escaped by software. */
const HTML_ESCAPE = /&(?:#\d{1,7}|#x[0-9a-f]{1,6}|quot|apos|amp|lt|gt|nbsp);/gi;
const NAMED: Readonly<Record<string, string>> = { '&quot;': '"', '&apos;': "'", '&amp;': '&', '&lt;': '<', '&gt;': '>', '&nbsp;': '\xa0' };

const LINE_BREAK = /\r?\n[ \t]*/g;
/** Lines of encoded text are longer than this. */
const MIN_LINE = 16;
const ENCODED_TAIL = /^[A-Za-z0-9+/_-]{16}$/;
const ENCODED_CHARACTER = /[A-Za-z0-9+/_-]/;
const CARRIAGE_RETURN = 0x0d;

/** Hex digits that are joined: fewer say nothing that is looked for. */
const MIN_HEX = 16;
/** Between groups of bytes in hex. */
const HEX_SEPARATOR = /[: -]?\r?\n[ \t]*|[: -]/y;
/** Stands between what was joined and what was joined elsewhere. */
const BORDER = '\n';

/** Resolves JSON escapes wherever they stand; `undefined` if there are none. */
export function peelJson(text: string): Peeled | undefined {
  if (!text.includes('\\')) return undefined;
  return peeled(unescapeJson(text), (way) => {
    forEachEscape(text, (index, length) => {
      way.note(index, length, 1);
    });
  });
}

/** Resolves percent-encoding wherever it stands; `undefined` if there is none. */
export function peelUrl(text: string): Peeled | undefined {
  if (!text.includes('%')) return undefined;
  return peel(text, URL_ESCAPE, (escape) => {
    try {
      return decodeURIComponent(escape);
    } catch {
      return escape;
    }
  });
}

/** Resolves HTML's character references wherever they stand; `undefined` if there are none. */
export function peelHtml(text: string): Peeled | undefined {
  if (!text.includes('&')) return undefined;
  return peel(text, HTML_ESCAPE, (escape) => {
    if (escape.charAt(1) !== '#') return NAMED[escape.toLowerCase()] ?? escape;
    const isHexCode = escape.charAt(2).toLowerCase() === 'x';
    // It stops at the semicolon.
    const code = isHexCode ? parseInt(escape.slice(3), 16) : parseInt(escape.slice(2), 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : escape;
  });
}

/** Joins the lines of base64 and hex (MIME, PEM); `undefined` if there is nothing to join. */
export function joinLines(text: string): Peeled | undefined {
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1))
    if (endsEncoded(text, end)) return peel(text, LINE_BREAK, (lineBreak, index) => (endsEncoded(text, index) ? '' : lineBreak));
  return undefined;
}

/**
 * Bytes in hex that are written apart (`3a:f0`, `3af0 3af0`, one or more a line), joined; what is around them is left out.
 * `undefined` if there are none.
 */
export function joinHex(text: string): Peeled | undefined {
  const dumps: HexGroup[][] = [];
  // Most text is told from hex by any of its characters.
  for (let at = MIN_HEX; at < text.length; at += MIN_HEX + 1) {
    if (kindOf(text, at) === OTHER) continue;
    let start = at;
    while (start > 0 && kindOf(text, start - 1) !== OTHER) start -= 1;
    while (at < text.length && kindOf(text, at) !== OTHER) at += 1;
    if (at - start > MIN_HEX) addDumps(text, start, at, dumps);
  }
  if (dumps.length === 0) return undefined;
  return peeled(dumps.map((groups) => groups.map(({ start, end }) => text.slice(start, end)).join('')).join(BORDER), (way) => {
    let done = 0;
    for (const [index, groups] of dumps.entries()) {
      for (const [place, { start, end }] of groups.entries()) {
        way.note(done, start - done, place === 0 && index > 0 ? BORDER.length : 0);
        done = end;
      }
    }
  });
}

/** Digits between two separators. */
interface HexGroup {
  readonly start: number;
  readonly end: number;
}

/** Looks for bytes in hex, written apart, where there are only digits and separators. */
function addDumps(text: string, from: number, to: number, dumps: HexGroup[][]): void {
  let groups: HexGroup[] = [];
  let digits = 0;
  for (let start = from; start < to;) {
    let end = start;
    while (end < to && isHex(text, end)) end += 1;
    if (end - start >= 2) {
      groups.push({ start, end });
      digits += end - start;
    }
    const next = end - start < 2 ? end : behindSeparator(text, end);
    const goesOn = end - start >= 2 && next > end && isHex(text, next) && isHex(text, next + 1);
    if (!goesOn) {
      if (groups.length > 1 && digits >= MIN_HEX) dumps.push(groups);
      groups = [];
      digits = 0;
    }
    start = goesOn ? next : Math.max(next, start + 1);
  }
}

function behindSeparator(text: string, index: number): number {
  HEX_SEPARATOR.lastIndex = index;
  return HEX_SEPARATOR.test(text) ? HEX_SEPARATOR.lastIndex : index;
}

/** Whether a line that ends here may be one of encoded text. */
function endsEncoded(text: string, index: number): boolean {
  const end = text.charCodeAt(index - 1) === CARRIAGE_RETURN ? index - 1 : index;
  return ENCODED_CHARACTER.test(text.charAt(end - 1)) && ENCODED_TAIL.test(text.slice(Math.max(0, end - MIN_LINE), end));
}

const OTHER = 0;
const HEX = 1;
const SEPARATOR = 2;
const KINDS = Uint8Array.from({ length: 128 }, (_, unit) =>
  hexDigit(unit) >= 0 ? HEX : ': -\r\n\t'.includes(String.fromCharCode(unit)) ? SEPARATOR : OTHER,
);

function kindOf(text: string, index: number): number {
  return KINDS[text.charCodeAt(index)] ?? OTHER;
}

function isHex(text: string, index: number): boolean {
  return kindOf(text, index) === HEX;
}

function peel(text: string, escapes: RegExp, decode: Decode): Peeled | undefined {
  const result = text.replace(escapes, decode);
  if (result === text) return undefined;
  return peeled(result, (way) => {
    for (const { 0: escape, index } of text.matchAll(escapes)) way.note(index, escape.length, decode(escape, index, text).length);
  });
}

function peeled(text: string, trace: (way: WayBack) => void): Peeled {
  let way: WayBack | undefined;
  return {
    text,
    origin: (start, end) => {
      // Made only when something was found.
      if (way === undefined) trace((way = new WayBack()));
      return [way.sourceOf(start)[0], way.sourceOf(end - 1)[1]];
    },
  };
}

/** From text with escapes resolved back to where they stood. */
class WayBack {
  /** Per escape: where what it means begins and ends in the new text. */
  readonly #begins: number[] = [];
  readonly #ends: number[] = [];
  /** Per escape: where it begins and ends in the old text. */
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  /** How much shorter the new text is up to here. */
  #saved = 0;

  /** Takes in the next escape: its place and length in the old text, and the length of what it means. */
  note(index: number, length: number, meaning: number): void {
    this.#begins.push(index - this.#saved);
    this.#ends.push(index - this.#saved + meaning);
    this.#from.push(index);
    this.#to.push(index + length);
    this.#saved += length - meaning;
  }

  /** Where the character at `index` of the new text began and ended in the old one. */
  sourceOf(index: number): readonly [start: number, end: number] {
    const nearest = lastUpTo(this.#begins, index);
    const behind = index - (this.#ends[nearest] ?? 0);
    if (behind < 0) return [this.#from[nearest] ?? 0, this.#to[nearest] ?? 0];
    const start = (this.#to[nearest] ?? 0) + behind;
    return [start, start + 1];
  }
}
