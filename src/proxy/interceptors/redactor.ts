import { atOnce } from '../../shared/steps';
import type { Steps } from '../../shared/steps';
import { membersWritten } from '../ambiguity';
import { outlineOf } from '../jsonOutline';
import type { Place } from '../jsonOutline';
import type { RequestId } from '../jsonRpc';
import { formsOf, MIN_ANYWHERE } from './forms';
import { Matcher } from './matcher';
import { piecesOf } from './pieces';
import { ALL_LAYERS, AS_IT_IS, LAYERS_IN_STRING, MAX_GROWTH, readingsOf } from './readings';
import type { Layers, Reading } from './readings';
import { Cuts, inJson, JsonStrings } from './splice';
import type { Found } from './splice';

/** The shortest value that is looked for at all, as a whole word. Shorter ones are everywhere. */
const MIN_WORD = 4;
/** Text is searched in pieces of this length, in UTF-16 units; longer ones if values are very long. */
const PIECE = 65_536;
/** At the edge of a piece things can look different than they are: half an escape, half a word. */
const EDGE = 64;
const WORD_CHARACTER = /[A-Za-z0-9_]/;

/** What stands where the value of a secret was. */
export function redactedMark(name: string): string {
  return `[redacted:${name}]`;
}

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

  /** A redactor for the values that are long enough to be told from ordinary words. */
  withoutWords(): Redactor {
    const long = new Redactor([]);
    long.#values.push(...this.#values.filter(({ value }) => value.length >= MIN_ANYWHERE));
    return long.#values.length === this.#values.length ? this : long;
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
   * string if there were none in it. Everything else keeps its bytes, and what was JSON stays JSON. Text that is not JSON is
   * treated as plain text.
   * @param callId the id of the call that the text answers: as the `id` of the text it stays, since the agent has chosen it. Any
   * other id is searched like everything else.
   */
  json(text: string, callId?: RequestId): string {
    // Most messages are small and clean.
    if (this.isEmpty || (text.length <= PIECE && this.#isClean(text))) return text;
    return atOnce(this.jsonInSteps(text, callId));
  }

  /** As `text`, for texts of any length. */
  *textInSteps(text: string): Steps<string> {
    const cuts = new Cuts();
    for (const piece of this.#pieces(text)) {
      if (piece !== undefined) cuts.add(piece.found);
      yield;
    }
    return cuts.isEmpty ? text : yield* cuts.apply(text);
  }

  /** As `json`, for texts of any length. */
  *jsonInSteps(text: string, callId?: RequestId): Steps<string> {
    const cuts = new Cuts();
    let strings: JsonStrings | undefined;
    let isJson: boolean | undefined;
    let keep: Place | undefined;
    for (const piece of this.#pieces(text)) {
      yield;
      if (piece === undefined || piece.found.length === 0) continue;
      const { found, from, to, escapes } = piece;
      if (isJson === undefined) {
        const outline = yield* outlineOf(text, ID_MEMBER);
        isJson = outline !== undefined;
        const id = outline?.places.get('id');
        if (id !== undefined && isId(text, id, callId)) keep = id;
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

  /** What is found piece by piece, `undefined` in between. Pieces overlap so far that every value is whole in one of them. */
  *#pieces(text: string): Generator<Piece | undefined> {
    if (this.isEmpty) return;
    const overlap = this.reach + 2 * EDGE;
    const length = text.length <= PIECE ? PIECE : Math.max(PIECE, 4 * overlap);
    for (const { from, to } of piecesOf(text, length, overlap)) {
      const piece = text.slice(from, to);
      const all: Found[][] = [];
      for (const reading of readingsOf(piece, ALL_LAYERS)) {
        if (reading !== undefined) all.push(this.#foundIn(reading));
        yield undefined;
      }
      const found = all
        .flat()
        .filter(({ start, end }) => (from === 0 || start >= EDGE) && (to === text.length || end <= piece.length - EDGE))
        .map((stretch) => ({ ...stretch, start: from + stretch.start, end: from + stretch.end }));
      yield { found, from, to, escapes: piece.includes('\\') };
    }
  }

  /** Whether some JSON text is clean, if that can be told quickly: the parser resolves escapes faster than we can. */
  #isClean(text: string): boolean {
    if (!text.includes('\\')) return this.#isFree(text, ALL_LAYERS);
    const strings = stringsIn(text);
    return strings !== undefined && this.#matches(text, true).length === 0 && this.#isFree(strings, LAYERS_IN_STRING);
  }

  #isFree(text: string, layers: Layers): boolean {
    for (const reading of readingsOf(text, layers)) if (reading !== undefined && this.#foundIn(reading).length > 0) return false;
    return true;
  }

  /** Where the values are in a reading of some text, as places of that text. */
  #foundIn({ text, joined, raw, origin }: Reading): Found[] {
    const found = joined === undefined ? this.#matches(text, raw) : this.#encodedMatches(text, raw);
    if (origin === AS_IT_IS || found.length === 0) return found;
    return found.map((stretch) => {
      const [start, end] = origin(stretch.start, stretch.end);
      return { ...stretch, start, end };
    });
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

const ID_MEMBER: ReadonlySet<string> = new Set(['id']);

/** Whether an id stands at this place of a JSON text. A number can be written with more digits than are its own: then it is another text. */
function isId(text: string, { start, end }: Place, id: RequestId | undefined): boolean {
  if (typeof id === 'number') return text.slice(start, end) === String(id);
  // No character of a string takes more than an escape.
  if (id === undefined || text.charAt(start) !== '"' || end - start > 6 * id.length + 2) return false;
  try {
    return JSON.parse(text.slice(start, end)) === id;
  } catch {
    return false;
  }
}

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

/**
 * All strings in a JSON text, keys included, on lines of their own; `undefined` if it is not JSON, or has a key twice: of two such
 * members the parser shows one.
 */
function stringsIn(text: string): string | undefined {
  const strings: string[] = [];
  const rest: unknown[] = [];
  let members = 0;
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
        members += 1;
        strings.push(key);
        rest.push(member);
      }
  }
  return members === membersWritten(text) ? strings.join('\n') : undefined;
}
