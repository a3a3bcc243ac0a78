import { StringDecoder } from 'node:string_decoder';
import type { Steps } from './steps';

/** Work between two yields, in bytes or UTF-16 units. */
const STRIDE = 1_048_576;

/** The text that bytes say in UTF-8. What is not UTF-8 becomes U+FFFD. */
export function* decodedInSteps(bytes: Buffer): Steps<string> {
  const decoder = new StringDecoder('utf8');
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += STRIDE) {
    parts.push(decoder.write(bytes.subarray(at, at + STRIDE)));
    yield;
  }
  parts.push(decoder.end());
  return parts.join('');
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
  return Buffer.concat(parts);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
