import { joinHex, joinLines, peelHtml, peelJson, peelUrl } from './peel';
import type { Origin, Peeled } from './peel';

/** How many layers of JSON escapes are looked through: a JSON text, JSON inside its strings, and so on. */
export const LAYERS = 5;
/** Stands for a backslash that is none. */
const NO_ESCAPE = '\uffff';

/** A UTF-16 unit of a value takes at most this many in a text: percent-encoded (9), every character of that as `\\u0025` (6). */
export const MAX_GROWTH = 64;

/** Which escapes may still be resolved on the way down. */
export interface Layers {
  readonly json: number;
  readonly url: boolean;
  readonly html: boolean;
}

/** The escapes that are looked through in a text. */
export const ALL_LAYERS: Layers = { json: LAYERS, url: true, html: true };
/** Those that are left for a string that the JSON parser has read. */
export const LAYERS_IN_STRING: Layers = { ...ALL_LAYERS, json: LAYERS - 1 };

/** The way back from a text to itself. */
export const AS_IT_IS: Origin = (start, end) => [start, end];

/** What a text says to somebody who resolves some of its escapes. */
export interface Reading {
  readonly text: string;
  /** What was joined: of lines and hex groups, only base64 and hex mean the same without what was between them. */
  readonly joined: 'lines' | 'hex' | undefined;
  /** Whether none of the outermost JSON escapes were resolved. */
  readonly raw: boolean;
  /** Where a stretch of it stands in the text that was read. */
  readonly origin: Origin;
}

/**
 * All that a text can mean: as it is, and below each order of escapes. What redaction and the outbound guard search. Between two
 * results there is about as much work as reading the text once; `undefined` where that brought nothing new.
 */
export function readingsOf(text: string, layers: Layers): Iterable<Reading | undefined> {
  const whole = { text, raw: true, origin: AS_IT_IS };
  // Most texts are short and hold none.
  if (!text.includes('\\') && !text.includes('%') && !text.includes('&')) return plainReadings(whole);
  return new Readings().below(whole, layers);
}

type Peel = (text: string) => Peeled | undefined;
type Encoding = readonly [peel: Peel, backslash: RegExp];

/** Escapes that are resolved once, with the ways to write a backslash in them. */
const URL: Encoding = [peelUrl, /%5c/i];
const HTML: Encoding = [peelHtml, /&#(?:0*92|x0*5c);/i];

interface Variant {
  readonly text: string;
  readonly raw: boolean;
  readonly origin: Origin;
}

/** A text that was reached before, what was resolved below it, and what its escapes mean. */
interface Seen {
  readonly text: string;
  readonly raw: boolean;
  readonly layers: Layers[];
  readonly peeled: Map<Peel, Peeled | undefined>;
}

/** The orders in which escapes can be resolved are many, and most lead to the same few texts. */
class Readings {
  readonly #seen: Seen[] = [];

  *below(variant: Variant, layers: Layers): Generator<Reading | undefined, void, undefined> {
    const { text, raw } = variant;
    let seen = this.#seen.find((one) => one.raw === raw && one.text === text);
    if (seen?.layers.some((before) => covers(before, layers)) === true) {
      yield undefined;
      return;
    }
    const hasEscapes = layers.json > 0 && text.includes('\\');
    if (seen === undefined) {
      seen = { text, raw, layers: [], peeled: new Map() };
      this.#seen.push(seen);
      // Base64 and hex have no escapes: with those resolved they are found as well.
      if (layers === ALL_LAYERS && hasEscapes) yield { ...variant, joined: undefined };
      else yield* plainReadings(variant);
    }
    seen.layers.push(layers);
    // First what leads farthest: what other orders lead to is known then.
    if (hasEscapes) yield* this.#unescaped({ ...variant, raw: raw && layers !== ALL_LAYERS }, once(seen, peelJson), layers);
    if (layers.url) yield* this.#decoded(variant, seen, URL, { ...layers, url: false });
    if (layers.html) yield* this.#decoded(variant, seen, HTML, { ...layers, html: false });
  }

  *#unescaped(variant: Variant, peeled: Peeled | undefined, layers: Layers): Generator<Reading | undefined, void, undefined> {
    if (peeled !== undefined) yield* this.below(above(variant, peeled), { ...layers, json: layers.json - 1 });
  }

  *#decoded(variant: Variant, seen: Seen, [peel, backslash]: Encoding, layers: Layers): Generator<Reading | undefined, void, undefined> {
    const { text } = variant;
    const peeled = once(seen, peel);
    if (peeled === undefined) return;
    // JSON that was encoded as a whole has its backslashes encoded, too. The others are escapes of the text around.
    if (layers.json > 0 && backslash.test(text)) {
      yield undefined;
      const inner = text.includes('\\') ? peel(text.replaceAll('\\', NO_ESCAPE)) : peeled;
      if (inner !== undefined) yield* this.#unescaped(above(variant, inner), peelJson(inner.text), layers);
    }
    yield* this.below(above(variant, peeled), { ...layers, json: 0 });
  }
}

function once(seen: Seen, peel: Peel): Peeled | undefined {
  const known = seen.peeled.get(peel);
  if (known !== undefined || seen.peeled.has(peel)) return known;
  const peeled = peel(seen.text);
  seen.peeled.set(peel, peeled);
  return peeled;
}

function covers(before: Layers, layers: Layers): boolean {
  return before.json >= layers.json && (before.url || !layers.url) && (before.html || !layers.html);
}

function above({ raw, origin }: Variant, peeled: Peeled): Variant {
  return { text: peeled.text, raw, origin: (start, end) => origin(...peeled.origin(start, end)) };
}

/** What a text says without resolving any escape. */
function plainReadings(variant: Variant): Reading[] {
  const { text, raw, origin } = variant;
  const readings: Reading[] = [{ text, joined: undefined, raw, origin }];
  const lines = joinLines(text);
  if (lines !== undefined) readings.push({ ...above(variant, lines), joined: 'lines' });
  const bytes = joinHex(text);
  if (bytes !== undefined) readings.push({ ...above(variant, bytes), joined: 'hex' });
  return readings;
}
