import { createHmac, randomBytes } from 'node:crypto';
import { formsOf, MIN_ANYWHERE } from '../interceptors/forms';

/** Which secret a value belongs to. */
export interface SecretRef {
  readonly scope: string;
  readonly name: string;
}

/** What is kept of one way to write a value. Without the key it says nothing of it. */
interface Print {
  readonly ref: SecretRef;
  /** In UTF-16 units. */
  readonly length: number;
  /** That of the value itself. */
  readonly valueLength: number;
  /** Where its window begins. */
  readonly offset: number;
  /** HMAC-SHA-256 of the whole. */
  readonly mac: string;
}

/** Where a value is in a text. */
export interface SecretPlace {
  readonly ref: SecretRef;
  readonly start: number;
  readonly end: number;
}

/** What is kept of a value: the prints of all its forms, each with the hash of its window. */
export type ValuePrints = readonly (readonly [hash: number, print: Print])[];

/** Every text that is looked for has a window of so many UTF-16 units, in its middle: what stands in front is often the same (`ghp_`). */
const WINDOW = MIN_ANYWHERE;
/** A line of a longer value that is a piece of a key, not of its frame. */
const KEY_LINE = /^[\w+/=-]{16,}$/;

/** The keys of this process: prints mean nothing outside of it. */
const macKey = randomBytes(32);
const base = randomBytes(4).readUInt32LE() | 1;
/** `base` to the power of the window, which takes a unit out of the hash again. */
const leaving = Array.from({ length: WINDOW }).reduce<number>((power) => Math.imul(power, base), 1);

/** The prints of a value, in every form that is looked for; none of a value under 8 characters, which would be found everywhere. */
export function printsOf(ref: SecretRef, value: string): ValuePrints {
  if (value.length < MIN_ANYWHERE) return [];
  return [...formsFor(value)].map((form) => {
    const offset = (form.length - WINDOW) >>> 1;
    return [hashAt(form, offset), { ref, length: form.length, valueLength: value.length, offset, mac: macOf(form) }];
  });
}

function formsFor(value: string): Set<string> {
  const { plain, encoded } = formsOf(value);
  const forms = new Set([value, ...encoded]);
  // Ordinary lines of a long value are ordinary text.
  for (const form of plain) if (form.length === value.length || KEY_LINE.test(form)) forms.add(form);
  // The number that JSON readers make of many digits.
  if (/^[1-9]\d*$/.test(value)) forms.add(String(Number(value)));
  for (const form of forms) if (form.length < MIN_ANYWHERE) forms.delete(form);
  return forms;
}

/**
 * Tells whether one of many values is in a text, without knowing any of them: a rolling hash over 8 characters says where
 * one could be, and an HMAC whether it is.
 */
export class Fingerprints {
  readonly #prints = new Map<number, Print[]>();
  /** One bit for some of the bits of each hash: most places of a text are done with after one look. */
  readonly #filter: Uint8Array;
  readonly #shift: number;
  /** How long the longest value is, in UTF-16 units. */
  readonly reach: number;

  constructor(values: Iterable<ValuePrints>) {
    let count = 0;
    let reach = 0;
    for (const prints of values) {
      count += prints.length;
      for (const [hash, print] of prints) {
        reach = Math.max(reach, print.valueLength);
        const same = this.#prints.get(hash);
        if (same === undefined) this.#prints.set(hash, [print]);
        else same.push(print);
      }
    }
    this.reach = reach;
    const bits = Math.min(24, Math.max(13, Math.ceil(Math.log2(count * 64 + 1))));
    this.#shift = 32 - bits;
    this.#filter = new Uint8Array(2 ** (bits - 3));
    for (const hash of this.#prints.keys()) {
      const bit = mixed(hash) >>> this.#shift;
      this.#filter[bit >>> 3] = (this.#filter[bit >>> 3] ?? 0) | (1 << (bit & 7));
    }
  }

  /** Whether there is nothing to look for. */
  get isEmpty(): boolean {
    return this.#prints.size === 0;
  }

  /**
   * The first secret that the text holds as it is: no escapes are resolved.
   * @param shortest ways to write a value that take less than this do not count.
   */
  find(text: string, shortest = 0): SecretRef | undefined {
    let found: SecretRef | undefined;
    this.#search(text, shortest, ({ ref }) => {
      found = ref;
      return true;
    });
    return found;
  }

  /** All that `find` could find in a text. They overlap where one value is a part of another one, or of its own encodings. */
  findAll(text: string, shortest = 0): SecretPlace[] {
    const found: SecretPlace[] = [];
    this.#search(text, shortest, (place) => {
      found.push(place);
      return false;
    });
    return found;
  }

  /** @param use whether that is enough. */
  #search(text: string, shortest: number, use: (place: SecretPlace) => boolean): void {
    if (this.isEmpty || text.length < WINDOW) return;
    const enough = (place: SecretPlace): boolean => place.end - place.start >= shortest && use(place);
    let hash = hashAt(text, 0);
    for (let start = 0; ; start += 1) {
      const bit = mixed(hash) >>> this.#shift;
      if (((this.#filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0 && this.#confirmed(text, start, hash, enough)) return;
      const next = start + WINDOW;
      if (next >= text.length) return;
      hash = (Math.imul(hash, base) + text.charCodeAt(next) - Math.imul(text.charCodeAt(start), leaving)) | 0;
    }
  }

  #confirmed(text: string, window: number, hash: number, use: (place: SecretPlace) => boolean): boolean {
    // Forms of one length at one place are hashed once.
    let known: { readonly start: number; readonly end: number; readonly mac: string } | undefined;
    for (const { ref, length, offset, mac } of this.#prints.get(hash) ?? []) {
      const start = window - offset;
      const end = start + length;
      if (start < 0 || end > text.length) continue;
      if (known?.start !== start || known.end !== end) known = { start, end, mac: macOf(text.slice(start, end)) };
      if (known.mac === mac && use({ ref, start, end })) return true;
    }
    return false;
  }
}

function hashAt(text: string, start: number): number {
  let hash = 0;
  for (let at = start; at < start + WINDOW; at += 1) hash = (Math.imul(hash, base) + text.charCodeAt(at)) | 0;
  return hash;
}

/** The low bits of the hash know only the last characters; this makes all bits know all of them. */
function mixed(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1);
}

function macOf(text: string): string {
  return createHmac('sha256', macKey).update(text, 'utf16le').digest('base64');
}
