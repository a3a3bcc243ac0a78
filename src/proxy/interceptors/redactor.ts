import { atOnce } from '../../shared/steps';
import type { Steps } from '../../shared/steps';
import { outlineOf } from '../jsonOutline';
import { formsOf, MIN_ANYWHERE } from './forms';
import { Matcher } from './matcher';
import { joinHex, joinLines, peelHtml, peelJson, peelUrl } from './peel';
import type { Peeled } from './peel';
import { Cuts, inJson, JsonStrings } from './splice';
import type { Found, Stretch } from './splice';

/** The shortest value that is looked for at all, as a whole word. Shorter ones are everywhere. */
const MIN_WORD = 4;
/** How many layers of JSON escapes are looked through: a JSON text, JSON inside its strings, and so on. */
const LAYERS = 5;
/** A UTF-16 unit of a value takes at most this many in the text: percent-encoded (9), every character of that as `\\u0025` (6). */
const MAX_GROWTH = 64;
/** Text is searched in pieces of this length, in UTF-16 units; longer ones if values are very long. */
const PIECE = 65_536;
/** At the edge of a piece things can look different than they are: half an escape, half a word. */
const EDGE = 64;
/** Stands for a backslash that is none. */
const NO_ESCAPE = '\uffff';
const WORD_CHARACTER = /[A-Za-z0-9_]/;

/** What stands where the value of a secret was. */
export function redactedMark(name: string): string {
  return `[redacted:${name}]`;
}

/** Which escapes may still be resolved on the way down. */
interface Layers {
  readonly json: number;
  readonly url: boolean;
  readonly html: boolean;
}

const ALL_LAYERS: Layers = { json: LAYERS, url: true, html: true };

/** The values, prepared for searching. */
interface Search {
  /** The name of the secret, by what is found of it. */
  readonly names: ReadonlyMap<string, string>;
  /** Everything but short values. */
  readonly forms: Matcher;
  /** Forms that mean the same when they are broken into lines. */
  readonly encoded: Matcher;
  /** Short values. */
  readonly words: Matcher;
}

/**
 * Finds the exact values of some secrets in text and puts `[redacted:NAME]` in their place, also where they are base64 or
 * base64url (at any alignment, broken into lines, twice, or of JSON), hex, URL-encoded, or escaped in JSON strings (nested, too)
 * or HTML, and each line of a value that has several. Values of 4 to 7 characters are only found as whole words, shorter ones
 * not at all. docs/security.md says exactly what is found and what is not.
 * Holds the values in memory until it is dropped.
 */
export class Redactor {
  readonly #values: { readonly name: string; readonly value: string }[];
  #search: Search | undefined;

  constructor(secrets: Iterable<{ readonly name: string; readonly value: Buffer }>) {
    this.#values = [...secrets]
      .map(({ name, value }) => ({ name, value: value.toString() }))
      .filter(({ value }) => value.length >= MIN_WORD);
  }

  /** A redactor for the values of both; one of the two if it has them all. */
  with(other: Redactor): Redactor {
    const missing = other.#values.filter((theirs) => !this.#has(theirs));
    if (missing.length === 0) return this;
    if (this.#values.every((mine) => other.#has(mine))) return other;
    const both = new Redactor([]);
    both.#values.push(...this.#values, ...missing);
    return both;
  }

  #has(wanted: { readonly name: string; readonly value: string }): boolean {
    return this.#values.some(({ name, value }) => name === wanted.name && value === wanted.value);
  }

  /** Whether there is anything to look for. */
  get isEmpty(): boolean {
    return this.#values.length === 0;
  }

  /** How long a stretch of text can be that is one value, in UTF-16 units. */
  get reach(): number {
    return this.#values.reduce((longest, { value }) => Math.max(longest, value.length), 0) * MAX_GROWTH;
  }

  /** Makes ready what searching needs. Done when first needed, or before, when there is time. */
  prepare(): void {
    this.#search ??= searchFor(this.#values);
  }

  /** The text without the values; the same string if there were none in it. */
  text(text: string): string {
    return atOnce(this.textInSteps(text));
  }

  /**
   * JSON text without the values in its strings (and without numbers of 8 digits or more that are one); the same
   * string if there were none in it. Everything else keeps its bytes, and what was JSON stays JSON. The `id` of a
   * JSON-RPC answer stays: it is the agent's own. Text that is not JSON is treated as plain text.
   */
  json(text: string): string {
    // Most messages are small and clean.
    if (this.isEmpty || (text.length <= PIECE && this.#isClean(text))) return text;
    return atOnce(this.jsonInSteps(text));
  }

  /** As `text`, for texts of any length. */
  *textInSteps(text: string): Steps<string> {
    const cuts = new Cuts();
    for (const { found } of this.#pieces(text)) {
      cuts.add(found);
      yield;
    }
    return cuts.isEmpty ? text : yield* cuts.apply(text);
  }

  /** As `json`, for texts of any length. */
  *jsonInSteps(text: string): Steps<string> {
    const cuts = new Cuts();
    let strings: JsonStrings | undefined;
    let isJson: boolean | undefined;
    let keep: { readonly start: number; readonly end: number } | undefined;
    for (const { found, from, to, escapes } of this.#pieces(text)) {
      yield;
      if (found.length === 0) continue;
      if (isJson === undefined) {
        const outline = yield* outlineOf(text, ANSWER_MEMBERS);
        isJson = outline !== undefined;
        if (outline?.places.has('method') === false) keep = outline.places.get('id');
      }
      if (!isJson) cuts.add(found);
      else {
        strings ??= new JsonStrings(text);
        yield* strings.advance(from, to);
        const id = keep;
        cuts.add(inJson(found, strings, escapes).filter(({ start, end }) => id === undefined || start < id.start || end > id.end));
      }
    }
    return cuts.isEmpty ? text : yield* cuts.apply(text);
  }

  /** What is found piece by piece. Pieces overlap so far that every value is whole in one of them. */
  *#pieces(text: string): Generator<Piece> {
    if (this.isEmpty) return;
    const overlap = this.reach + 2 * EDGE;
    const length = text.length <= PIECE ? PIECE : Math.max(PIECE, 4 * overlap);
    for (let at = 0; at < text.length; at += length) {
      const from = Math.max(0, at - overlap);
      const to = Math.min(text.length, at + length);
      const piece = text.slice(from, to);
      const found = this.#find(piece)
        .filter(({ start, end }) => (from === 0 || start >= EDGE) && (to === text.length || end <= piece.length - EDGE))
        .map((stretch) => ({ ...stretch, start: from + stretch.start, end: from + stretch.end }));
      yield { found, from, to, escapes: piece.includes('\\') };
    }
  }

  /** Whether some JSON text is clean, if that can be told quickly: the parser resolves escapes faster than we can. */
  #isClean(text: string): boolean {
    if (!text.includes('\\')) return this.#find(text).length === 0;
    const strings = stringsIn(text);
    if (strings === undefined || this.#matches(text, true).length > 0) return false;
    return this.#find(strings, { ...ALL_LAYERS, json: LAYERS - 1 }).length === 0;
  }

  /** Where the values are: as they are, encoded, or below layers of escapes. */
  #find(text: string, layers = ALL_LAYERS, raw = true): Found[] {
    const found = [this.#matches(text, raw)];
    if (layers.url) found.push(this.#findEncoded(text, peelUrl, { ...layers, url: false }, raw));
    if (layers.html) found.push(this.#findEncoded(text, peelHtml, { ...layers, html: false }, raw));
    if (layers.json > 0 && text.includes('\\')) found.push(this.#findUnescaped(text, layers, raw && layers !== ALL_LAYERS));
    // Base64 and hex have no escapes: with those resolved they are found as well.
    else found.push(this.#findJoined(joinLines(text), raw), this.#findJoined(joinHex(text), raw));
    return found.flat();
  }

  #findJoined(joined: Peeled | undefined, raw: boolean): Found[] {
    return joined === undefined ? [] : moved(joined, this.#encodedMatches(joined.text, raw));
  }

  #findUnescaped(text: string, layers: Layers, raw: boolean): Found[] {
    const peeled = layers.json === 0 ? undefined : peelJson(text);
    return peeled === undefined ? [] : moved(peeled, this.#find(peeled.text, { ...layers, json: layers.json - 1 }, raw));
  }

  #findEncoded(text: string, peel: (text: string) => Peeled | undefined, layers: Layers, raw: boolean): Found[] {
    const peeled = peel(text);
    if (peeled === undefined) return [];
    const found = moved(peeled, this.#find(peeled.text, { ...layers, json: 0 }, raw));
    // JSON that was encoded as a whole has its backslashes encoded, too. The others are escapes of the text around.
    const inner = peel(text.replaceAll('\\', NO_ESCAPE));
    return inner === undefined ? found : [...found, ...moved(inner, this.#findUnescaped(inner.text, layers, raw))];
  }

  #matches(text: string, raw: boolean): Found[] {
    const found: Found[] = [];
    const { forms, words } = this.#prepared;
    forms.search(text, (start, form) => found.push(this.#found(start, form, raw, false)));
    words.search(text, (start, word) => {
      const alone = !WORD_CHARACTER.test(text.charAt(start - 1)) && !WORD_CHARACTER.test(text.charAt(start + word.length));
      if (alone) found.push(this.#found(start, word, raw, true));
    });
    return found;
  }

  #encodedMatches(text: string, raw: boolean): Found[] {
    const found: Found[] = [];
    this.#prepared.encoded.search(text, (start, form) => found.push(this.#found(start, form, raw, false)));
    return found;
  }

  #found(start: number, form: string, raw: boolean, word: boolean): Found {
    return { start, end: start + form.length, mark: redactedMark(this.#prepared.names.get(form) ?? ''), raw, word };
  }

  get #prepared(): Search {
    return (this.#search ??= searchFor(this.#values));
  }
}

/** What was found in one piece of a text: places are those of the whole text. */
interface Piece {
  readonly found: readonly Found[];
  readonly from: number;
  readonly to: number;
  readonly escapes: boolean;
}

const ANSWER_MEMBERS: ReadonlySet<string> = new Set(['id', 'method']);

function searchFor(values: readonly { readonly name: string; readonly value: string }[]): Search {
  const names = new Map<string, string>();
  const words: string[] = [];
  const plain: string[] = [];
  const encoded: string[] = [];
  for (const { name, value } of values) {
    if (value.length < MIN_ANYWHERE) {
      words.push(value);
      if (!names.has(value)) names.set(value, name);
      continue;
    }
    const forms = formsOf(value);
    plain.push(...forms.plain);
    encoded.push(...forms.encoded);
    for (const form of [...forms.plain, ...forms.encoded]) if (!names.has(form)) names.set(form, name);
  }
  return { names, forms: new Matcher([...plain, ...encoded]), encoded: new Matcher(encoded), words: new Matcher(words) };
}

/** What was found below a layer of escapes, where it is above it. */
function moved<S extends Stretch>({ origin }: Peeled, found: readonly S[]): S[] {
  return found.map((stretch) => {
    const [start, end] = origin(stretch.start, stretch.end);
    return { ...stretch, start, end };
  });
}

/** All strings in a JSON text, keys included, on lines of their own; `undefined` if it is not JSON. */
function stringsIn(text: string): string | undefined {
  const strings: string[] = [];
  const rest: unknown[] = [];
  try {
    rest.push(JSON.parse(text));
  } catch {
    return undefined;
  }
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'string') strings.push(value);
    else if (Array.isArray(value)) for (const item of value) rest.push(item);
    else if (typeof value === 'object' && value !== null)
      for (const [key, member] of Object.entries(value)) {
        strings.push(key);
        rest.push(member);
      }
  }
  return strings.join('\n');
}
