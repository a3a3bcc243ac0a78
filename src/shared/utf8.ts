import { StringDecoder } from 'node:string_decoder';
import type { Steps } from './steps';

/** Work between two yields, in bytes or UTF-16 units. */
const STRIDE = 262_144;

/** The text that bytes say in UTF-8. What is not UTF-8 becomes U+FFFD. */
export function* decodedInSteps(bytes: Buffer): Steps<string> {
  const decoder = new StringDecoder('utf8');
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += STRIDE) {
    parts.push(decoder.write(bytes.subarray(at, at + STRIDE)));
    yield;
  }
  parts.push(decoder.end());
  yield;
  return parts.join('');
}

/** Bytes, one after the other. */
export function* joinedInSteps(parts: readonly Buffer[]): Steps<Buffer> {
  const all = Buffer.allocUnsafe(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  let next = STRIDE;
  for (const part of parts) {
    at += part.copy(all, at);
    if (at < next) continue;
    next = at + STRIDE;
    yield;
  }
  return all;
}

/** A text as UTF-8. Lone surrogates become U+FFFD. */
export function* encodedInSteps(text: string): Steps<Buffer> {
  const parts: Buffer[] = [];
  for (let at = 0; at < text.length;) {
    const end = isHighSurrogate(text.charCodeAt(at + STRIDE - 1)) ? at + STRIDE + 1 : at + STRIDE;
    parts.push(Buffer.from(text.slice(at, end)));
    at = end;
    yield;
  }
  return yield* joinedInSteps(parts);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
