import type { Steps } from '../../shared/steps';
import { piecesOf } from '../interceptors/pieces';
import { LAYERS_IN_STRING, MAX_GROWTH, readingsOf } from '../interceptors/readings';
import type { Reading } from '../interceptors/readings';
import { numbersOf } from '../numbers';
import type { Fingerprints, SecretPlace, SecretRef } from './fingerprints';

/** A text is looked through in pieces of this length, in UTF-16 units; longer ones if values are very long. */
const PIECE = 16_384;
/** At the edge of a piece an escape can be cut. */
const EDGE = 128;
/** Stands between texts that are looked through together. */
const BORDER = '\0';

/** In digits that were in groups, shorter texts are found by chance: numbers and dates stand side by side. */
const MIN_GROUPED = 16;

/**
 * The first secret whose value is somewhere in a parsed JSON value: in a text, the name of a member or a number (of a message: as it
 * was written), as it is, encoded, or below layers of escapes, as redaction finds it. Yields after each piece of work.
 */
export function* secretIn(fingerprints: Fingerprints, value: unknown): Steps<SecretRef | undefined> {
  if (fingerprints.isEmpty) return undefined;
  const together = new Together();
  const rest: unknown[] = [value, numbersOf(value)];
  while (rest.length > 0) {
    const text = textOrParts(rest.pop(), rest);
    if (text !== undefined && text.length > PIECE) {
      const found = yield* findLong(fingerprints, text);
      if (found !== undefined) return found;
    } else if (text !== undefined) together.add(text);
    if (together.length < PIECE) continue;
    const found = yield* findWhole(fingerprints, together.take());
    if (found !== undefined) return found;
  }
  return yield* findWhole(fingerprints, together.take());
}

/** All that `secretIn` looks through, as one text for `secretInText`; `undefined` if that is too much to be done at once. */
export function smallTextIn(value: unknown): string | undefined {
  let all = '';
  const rest: unknown[] = [value, numbersOf(value)];
  while (rest.length > 0) {
    const text = textOrParts(rest.pop(), rest);
    if (text === undefined) continue;
    all += text + BORDER;
    if (all.length > PIECE) return undefined;
  }
  return all;
}

/** The text of a text or a number; the parts of anything else are added to `rest`. Not recursive: messages can be nested without end. */
export function textOrParts(value: unknown, rest: unknown[]): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) for (const item of value) rest.push(item);
  else if (typeof value === 'object' && value !== null) for (const key in value) rest.push(key, (value as Record<string, unknown>)[key]);
  return undefined;
}

/** As `secretIn`, for one text that is not long, at once. */
export function secretInText(fingerprints: Fingerprints, text: string): SecretRef | undefined {
  for (const reading of readingsOf(text, LAYERS_IN_STRING)) {
    const found = reading === undefined ? undefined : fingerprints.find(reading.text, shortestIn(reading));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Short texts that are looked through as one. */
class Together {
  #texts: string[] = [];
  #length = 0;

  /** In UTF-16 units. */
  get length(): number {
    return this.#length;
  }

  add(text: string): void {
    this.#texts.push(text);
    this.#length += text.length + BORDER.length;
  }

  take(): string {
    const text = this.#texts.join(BORDER);
    this.#texts = [];
    this.#length = 0;
    return text;
  }
}

/** All places of a text that hold the value of a secret, in any of the ways that `secretIn` finds. They may overlap. Yields after each piece of work. */
export function* secretPlacesIn(fingerprints: Fingerprints, text: string): Steps<SecretPlace[]> {
  if (fingerprints.isEmpty) return [];
  const places: SecretPlace[] = [];
  for (const { from, to } of piecesFor(fingerprints, text)) {
    for (const reading of readingsOf(text.slice(from, to), LAYERS_IN_STRING)) {
      if (reading !== undefined)
        for (const place of fingerprints.findAll(reading.text, shortestIn(reading))) {
          const [start, end] = reading.origin(place.start, place.end);
          places.push({ ref: place.ref, start: from + start, end: from + end });
        }
      yield;
    }
  }
  return places;
}

function* findLong(fingerprints: Fingerprints, text: string): Steps<SecretRef | undefined> {
  for (const { from, to } of piecesFor(fingerprints, text)) {
    const found = yield* findWhole(fingerprints, text.slice(from, to));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Pieces overlap so far that every value is whole in one of them. */
function piecesFor({ reach }: Fingerprints, text: string): ReturnType<typeof piecesOf> {
  const overlap = reach * MAX_GROWTH + EDGE;
  return piecesOf(text, Math.max(PIECE, overlap), overlap);
}

function* findWhole(fingerprints: Fingerprints, text: string): Steps<SecretRef | undefined> {
  for (const reading of readingsOf(text, LAYERS_IN_STRING)) {
    const found = reading === undefined ? undefined : fingerprints.find(reading.text, shortestIn(reading));
    if (found !== undefined) return found;
    yield;
  }
  return undefined;
}

function shortestIn({ joined }: Reading): number {
  return joined === 'hex' ? MIN_GROUPED : 0;
}
