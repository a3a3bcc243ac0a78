import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { AuditKey } from './keys';

/** Stands for a key's id while there is no key: then a line is chained by plain SHA-256, which the first keyed line covers. */
export const NO_KEY = 'none';

/** `,"mac":"` + 43 characters + `"}`: how every sealed line ends. */
const END = /^,"mac":"([A-Za-z0-9_-]{43})"\}$/;
const END_BYTES = 53;

/** A JSON object on one line, whose last member `mac` authenticates everything before it. */
export interface SealedLine {
  readonly value: Readonly<Record<string, unknown>>;
  /** The bytes that `mac` is made from. */
  readonly signed: Buffer;
  /** 32 bytes as base64url. */
  readonly mac: string;
}

/**
 * Writes an object as a sealed line (without line break). `value.key` has to be the id of the key, or NO_KEY.
 * @param before what this line follows: part of what is authenticated, not of the line.
 */
export function sealLine(value: object, before: string, key: AuditKey | undefined): { readonly text: string; readonly mac: string } {
  const signed = JSON.stringify(value).slice(0, -1);
  const mac = macOf(signed, before, key);
  return { text: `${signed},"mac":"${mac}"}`, mac };
}

/** Takes a line apart without checking it. `undefined` if it does not have the form of a sealed line. */
export function openLine(bytes: Buffer): SealedLine | undefined {
  const mac = END.exec(bytes.toString('latin1', Math.max(0, bytes.length - END_BYTES)))?.[1];
  if (mac === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return { value: value as Record<string, unknown>, signed: bytes.subarray(0, bytes.length - END_BYTES), mac };
  } catch {
    return undefined;
  }
}

/** Whether a line is exactly what was sealed after `before`, under this key. */
export function isSealed({ signed, mac }: Pick<SealedLine, 'signed' | 'mac'>, before: string, key: AuditKey | undefined): boolean {
  // Texts are compared, not what they stand for: base64url has more than one spelling.
  return timingSafeEqual(Buffer.from(macOf(signed, before, key)), Buffer.from(mac));
}

function macOf(signed: string | Buffer, before: string, key: AuditKey | undefined): string {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key.key);
  return hash.update(`${before}\n`).update(signed).digest('base64url');
}
