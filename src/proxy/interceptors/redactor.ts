/** The shortest value that is looked for inside longer text, and in encoded forms. */
const MIN_ANYWHERE = 8;
/** The shortest value that is looked for at all, as a whole word. Shorter ones are everywhere. */
const MIN_WORD = 4;
/** How many layers of JSON inside JSON strings are looked through. */
const LAYERS = 3;
/** Above this length one regular expression over all forms is faster than one search for each. */
const REGEX_ABOVE = 8_192;

/** What stands where the value of a secret was. */
export function redactedMark(name: string): string {
  return `[redacted:${name}]`;
}

/**
 * Finds the exact values of some secrets in text and puts `[redacted:NAME]` in their place, also where they
 * are base64 or base64url (at any alignment), hex, URL-encoded, or escaped in JSON strings (nested, too).
 * Values of 4 to 7 characters are only found as whole words, shorter ones not at all.
 * Holds the values in memory until it is dropped.
 */
export class Redactor {
  readonly #values: { readonly name: string; readonly value: string }[];
  #forms: Map<string, string> | undefined;
  #words: RegExp | undefined;
  #regex: RegExp | undefined;

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

  /** The longest form that is looked for, in UTF-16 units. */
  get longestForm(): number {
    let longest = 0;
    for (const form of this.#prepare().keys()) longest = Math.max(longest, form.length);
    return longest;
  }

  /** The text without the values; the same string if there were none in it. */
  text(text: string): string {
    return this.isEmpty ? text : this.#redact(text, LAYERS);
  }

  /**
   * JSON text without the values in its strings (and without numbers that are one); equal text if there
   * were none in it. Everything else keeps its bytes. Text that is not JSON is treated as plain text.
   */
  json(text: string): string {
    if (this.isEmpty) return text;
    // Escapes hide a value from a plain search; without a backslash there are none.
    if (!text.includes('\\') && !this.#hit(text)) return text;
    const result = text.replace(/"(?:[^"\\]|\\[^])*"|-?\d[\d.eE+-]*/g, (token) => {
      const plain = token.startsWith('"') ? decode(token) : token;
      if (plain === undefined) return token;
      const clean = this.#redact(plain, LAYERS);
      return clean === plain ? token : JSON.stringify(clean);
    });
    // What is left stands outside of strings: then this is not JSON, or a value that looks like some.
    return this.#hit(result) ? this.#redact(result, 0) : result;
  }

  #redact(text: string, layers: number): string {
    let result = text;
    if (this.#hit(text)) {
      const forms = this.#prepare();
      result = result.replace(this.#pattern(), (found) => redactedMark(forms.get(found) ?? ''));
      if (this.#words !== undefined)
        result = result.replace(this.#words, (found) => redactedMark(this.#values.find((v) => v.value === found)?.name ?? ''));
    }
    if (layers === 0 || !result.includes('\\')) return result;
    const peeled = unescape(result);
    if (peeled === result) return result;
    const clean = this.#redact(peeled, layers - 1);
    return clean === peeled ? result : clean;
  }

  #hit(text: string): boolean {
    const forms = this.#prepare();
    if (this.#words !== undefined && text.search(this.#words) >= 0) return true;
    if (text.length > REGEX_ABOVE) return text.search(this.#pattern()) >= 0;
    for (const form of forms.keys()) if (text.includes(form)) return true;
    return false;
  }

  /** Every form of every value, with the secret's name. Made when first needed. */
  #prepare(): Map<string, string> {
    if (this.#forms !== undefined) return this.#forms;
    this.#forms = new Map();
    const words: string[] = [];
    for (const { name, value } of this.#values) {
      if (value.length < MIN_ANYWHERE) words.push(value);
      else for (const form of formsOf(value)) if (!this.#forms.has(form)) this.#forms.set(form, name);
    }
    if (words.length > 0) this.#words = new RegExp(`(?<![A-Za-z0-9_])(?:${alternatives(words)})(?![A-Za-z0-9_])`, 'g');
    return this.#forms;
  }

  #pattern(): RegExp {
    const forms = this.#prepare();
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
  const bytes = Buffer.from(value);
  const hex = bytes.toString('hex');
  const url = encodeURIComponent(value);
  const strictUrl = url.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = new Set([value, hex, hex.toUpperCase()]);
  for (const form of [url, strictUrl]) {
    forms.add(form);
    forms.add(form.replaceAll('%20', '+'));
    forms.add(form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  }
  // The same bytes give three base64 texts, by what stands before them; the edges mix with the neighbours.
  for (const before of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]);
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor((padded.length * 8) / 6);
    const base64 = padded.toString('base64').slice(first, last);
    forms.add(base64);
    forms.add(base64.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}

function decode(literal: string): string | undefined {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** Text with one layer of JSON escapes resolved, wherever they stand. */
function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (whole, code: string | undefined, short: string | undefined) => {
    if (code !== undefined) return String.fromCharCode(parseInt(code, 16));
    return short === undefined ? whole : (SHORT_ESCAPES[short] ?? short);
  });
}
