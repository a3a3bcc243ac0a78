import { StringDecoder } from 'node:string_decoder';
import type { Steps } from './steps';

/** Work between two yields, and the length of a piece, in bytes or UTF-16 units. */
export const STRIDE = 262_144;

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

/** Bytes, or a text as UTF-8 (lone surrogates become U+FFFD), in pieces that are made when they are asked for. */
export function* piecesOf(content: string | Buffer): Generator<Buffer, void> {
  for (let at = 0, end = 0; at < content.length; at = end) {
    end = at + STRIDE;
    if (typeof content !== 'string') yield content.subarray(at, end);
    else {
      if (isHighSurrogate(content.charCodeAt(end - 1))) end += 1;
      yield Buffer.from(content.slice(at, end));
    }
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
