import type { Steps } from '../../shared/steps';
import { joinHex, joinLines, peelHtml, peelJson, peelUrl } from '../interceptors/peel';
import type { Peeled } from '../interceptors/peel';
import type { Fingerprints, SecretRef } from './fingerprints';

/** A text is looked through in pieces of this length, in UTF-16 units; longer ones if values are very long. */
const PIECE = 16_384;
/** A form takes at most this many times its length in a text: the longest is hex, twice as long as the value, and a quote in JSON in JSON in JSON in JSON takes 16. */
const MAX_GROWTH = 8;
/** At the edge of a piece an escape can be cut. */
const EDGE = 64;
/** Stands between texts that are looked through together. */
const BORDER = '\0';

/** Layers of JSON escapes that are looked through. The parser has resolved one already. */
const JSON_LAYERS = 3;

/**
 * The first secret whose value is somewhere in a parsed JSON value: in a text, the name of a member or a number, as it is, encoded,
 * or below layers of escapes. Yields after each piece of work.
 */
export function* secretIn(fingerprints: Fingerprints, value: unknown): Steps<SecretRef | undefined> {
  if (fingerprints.isEmpty) return undefined;
  const together = new Together();
  const rest: unknown[] = [value];
  while (rest.length > 0) {
    const text = textOrParts(rest.pop(), rest);
    if (text !== undefined && text.length > PIECE) {
      const found = yield* findLong(fingerprints, text);
      if (found !== undefined) return found;
    } else if (text !== undefined) together.add(text);
    if (together.length < PIECE) continue;
    const found = findWhole(fingerprints, together.take());
    if (found !== undefined) return found;
    yield;
  }
  return findWhole(fingerprints, together.take());
}

/** All that `secretIn` looks through, as one text for `secretInText`; `undefined` if that is too much to be done at once. */
export function smallTextIn(value: unknown): string | undefined {
  let all = '';
  const rest: unknown[] = [value];
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
  return findWhole(fingerprints, text);
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

/** Pieces overlap so far that every value is whole in one of them. */
function* findLong(fingerprints: Fingerprints, text: string): Steps<SecretRef | undefined> {
  const overlap = fingerprints.reach * MAX_GROWTH + EDGE;
  const length = Math.max(PIECE, overlap);
  for (let at = 0; at < text.length; at += length) {
    const found = findWhole(fingerprints, text.slice(Math.max(0, at - overlap), at + length));
    if (found !== undefined) return found;
    yield;
  }
  return undefined;
}

/** @param json how many layers of JSON escapes may still be resolved. @param others whether those of addresses or of HTML may. */
function findWhole(fingerprints: Fingerprints, text: string, json = JSON_LAYERS, others = true): SecretRef | undefined {
  const found = fingerprints.find(text) ?? findJoined(fingerprints, text);
  if (found !== undefined) return found;
  const below = (peeled: Peeled | undefined, layers: number, more: boolean): SecretRef | undefined =>
    peeled === undefined ? undefined : findWhole(fingerprints, peeled.text, layers, more);
  return (
    (others ? (below(peelUrl(text), json, false) ?? below(peelHtml(text), json, false)) : undefined) ??
    (json > 0 ? below(peelJson(text), json - 1, others) : undefined)
  );
}

/** Base64 and hex that were broken into lines or groups. */
function findJoined(fingerprints: Fingerprints, text: string): SecretRef | undefined {
  const lines = joinLines(text);
  const found = lines === undefined ? undefined : fingerprints.find(lines.text);
  if (found !== undefined) return found;
  const bytes = joinHex(text);
  return bytes === undefined ? undefined : fingerprints.find(bytes.text);
}
