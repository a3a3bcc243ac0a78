import { peelJson, peelUrl } from './peel';
import type { Peeled } from './peel';
import { splice, spliceJson } from './splice';
import type { Stretch } from './splice';

/** The shortest value that is looked for inside longer text, and in encoded forms. */
const MIN_ANYWHERE = 8;
/** The shortest value that is looked for at all, as a whole word. Shorter ones are everywhere. */
const MIN_WORD = 4;
/** How many layers of JSON escapes are looked through: a JSON text, and JSON inside its strings. */
const LAYERS = 4;
/** A character takes at most this many times its UTF-16 units: percent-encoded UTF-8, or an escape inside an escape. */
const MAX_GROWTH = 12;
/** Above this length one regular expression over all forms is faster than one search for each. */
const REGEX_ABOVE = 8_192;

/** What stands where the value of a secret was. */
export function redactedMark(name: string): string {
  return `[redacted:${name}]`;
}

/**
 * Finds the exact values of some secrets in text and puts `[redacted:NAME]` in their place, also where they
 * are base64 or base64url (at any alignment), hex, URL-encoded, or escaped in JSON strings (nested, too), and each
 * line of a value that has several. Values of 4 to 7 characters are only found as whole words, shorter ones not at all.
 * Holds the values in memory until it is dropped.
 */
export class Redactor {
  readonly #values: { readonly name: string; readonly value: string }[];
  #forms: Map<string, string> | undefined;
  #words: RegExp | undefined;
  #regex: RegExp | undefined;
  /** Whether a value looks different when it is URL-encoded. */
  #url = false;

  constructor(secrets: Iterable<{ readonly name: string; readonly value: Buffer }>) {
    this.#values = [...secrets]
      .map(({ name, value }) => ({ name, value: value.toString() }))
      .filter(({ value }) => value.length >= MIN_WORD);
  }

  /** A redactor for the values of both. */
  with(other: Redactor): Redactor {
    const both = new Redactor([]);
    both.#values.push(...this.#values, ...other.#values);
    return both;
  }

  /** Whether there is anything to look for. */
  get isEmpty(): boolean {
    return this.#values.length === 0;
  }

  /** How long a stretch of text can be that is one value, in UTF-16 units. */
  get reach(): number {
    return Math.max(0, ...this.#values.map(({ value }) => value.length)) * MAX_GROWTH;
  }

  /** The text without the values; the same string if there were none in it. */
  text(text: string): string {
    return this.isEmpty ? text : splice(text, this.#find(text, LAYERS, true));
  }

  /**
   * JSON text without the values in its strings (and without numbers of 8 digits or more that are one); the same
   * string if there were none in it. Everything else keeps its bytes, and what was JSON stays JSON. Text that is
   * not JSON is treated as plain text.
   */
  json(text: string): string {
    if (this.isEmpty) return text;
    // Escapes hide a value from a plain search. Without any there is nothing to resolve.
    const hit = this.#hit(text);
    if (!hit && !text.includes('\\') && !(this.#url && text.includes('%'))) return text;
    // The parser resolves the outermost escapes faster than we can; where they were matters only if something is found.
    const strings = stringsIn(text);
    if (strings !== undefined && !hit && this.#find(strings, LAYERS - 1, false).length === 0) return text;
    const found = this.#find(text, LAYERS, true);
    return strings === undefined ? splice(text, found) : spliceJson(text, found);
  }

  /** Where the values are, as they are or below up to `layers` layers of JSON escapes and one of URL-encoding. */
  #find(text: string, layers: number, raw: boolean): Stretch[] {
    const found = this.#hit(text) ? this.#matches(text, raw) : [];
    if (this.#url) found.push(...this.#below(peelUrl(text), (peeled) => (this.#hit(peeled) ? this.#matches(peeled, raw) : [])));
    if (layers > 0) found.push(...this.#below(peelJson(text), (peeled) => this.#find(peeled, layers - 1, false)));
    return found;
  }

  #below(peeled: Peeled | undefined, find: (text: string) => Stretch[]): Stretch[] {
    if (peeled === undefined) return [];
    return find(peeled.text).map((stretch) => {
      const [start, end] = peeled.origin(stretch.start, stretch.end);
      return { ...stretch, start, end };
    });
  }

  #matches(text: string, raw: boolean): Stretch[] {
    const found: Stretch[] = [];
    const collect = (pattern: RegExp, word: boolean, nameOf: (form: string) => string | undefined): void => {
      for (const { 0: form, index } of text.matchAll(pattern))
        found.push({ start: index, end: index + form.length, mark: redactedMark(nameOf(form) ?? ''), raw, word });
    };
    const forms = this.prepare();
    collect(this.#pattern(), false, (form) => forms.get(form));
    if (this.#words !== undefined) collect(this.#words, true, (form) => this.#values.find((v) => v.value === form)?.name);
    return found;
  }

  #hit(text: string): boolean {
    const forms = this.prepare();
    if (this.#words !== undefined && text.search(this.#words) >= 0) return true;
    if (text.length > REGEX_ABOVE) return text.search(this.#pattern()) >= 0;
    for (const form of forms.keys()) if (text.includes(form)) return true;
    return false;
  }

  /** Every form of every value, with the secret's name. Made when first needed, or before, when there is time. */
  prepare(): ReadonlyMap<string, string> {
    if (this.#forms !== undefined) return this.#forms;
    const all = (this.#forms = new Map<string, string>());
    const words: string[] = [];
    for (const { name, value } of this.#values) {
      this.#url ||= /[^\w.-]/.test(value);
      if (value.length < MIN_ANYWHERE) words.push(value);
      else for (const form of formsOf(value)) if (!all.has(form)) all.set(form, name);
    }
    if (words.length > 0) this.#words = new RegExp(`(?<![A-Za-z0-9_])(?:${alternatives(words)})(?![A-Za-z0-9_])`, 'g');
    return this.#forms;
  }

  #pattern(): RegExp {
    const forms = this.prepare();
    this.#regex ??= forms.size === 0 ? /(?!)/g : new RegExp(alternatives([...forms.keys()]), 'g');
    return this.#regex;
  }
}

/** The longest first, so that a value that begins with another one is found whole. */
function alternatives(texts: string[]): string {
  return texts
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
    .join('|');
}

function formsOf(value: string): Set<string> {
  // Two zero bytes in front: the three base64 texts below start at one of them or behind them.
  const bytes = Buffer.from(`\0\0${value}`);
  const hex = bytes.toString('hex', 2);
  const forms = new Set([value, hex, hex.toUpperCase()]);
  // The same bytes give three base64 texts, by what stands before them; the edges mix with the neighbours.
  for (const before of [0, 1, 2]) {
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((bytes.length - 2 + before) * 8) / 6);
    const base64 = bytes.toString('base64', 2 - before).slice(first, last);
    forms.add(base64);
    if (/[+/]/.test(base64)) forms.add(base64.replaceAll('+', '-').replaceAll('/', '_'));
  }
  // In the query of an address, spaces are "+". Percent-encoding is resolved in the text instead.
  if (value.includes(' ')) forms.add(value.replaceAll(' ', '+'));
  // Logs, and servers that split text, give the lines of a key one by one.
  if (value.includes('\n')) for (const line of linesOf(value)) forms.add(line);
  return forms;
}

/** The lines of a value that say something of it: not its frame (`-----BEGIN PRIVATE KEY-----`), not its shortest ones. */
function linesOf(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.length >= MIN_ANYWHERE && !line.startsWith('-----'));
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
