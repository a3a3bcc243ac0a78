const BACKSLASH = 0x5c;

/**
 * Text with the escapes of JSON strings (RFC 8259) resolved, wherever they stand, and `\\x41` of other languages, which JSON text
 * can hold one layer down. Written out by hand: much that a server says passes here.
 */
export function unescapeJson(text: string): string {
  const bytes = Buffer.allocUnsafe(text.length);
  const length = resolve(text, bytes, 0xff);
  if (length >= 0) return bytes.toString('latin1', 0, length);
  const units = new Uint16Array(text.length);
  return utf16(units.subarray(0, resolve(text, units, 0xffff)));
}

/** Tells where the escapes in a text are, and how long each is. Each means one UTF-16 unit. */
export function forEachEscape(text: string, listener: (index: number, length: number) => void): void {
  for (let at = text.indexOf('\\'); at >= 0 && at + 1 < text.length;) {
    const length = escapeLength(text, at);
    listener(at, length);
    at = text.indexOf('\\', at + length);
  }
}

/** Writes the units of the text without escapes. Returns how many there are; -1 if one is greater than `limit`. */
function resolve(text: string, units: Uint8Array | Uint16Array, limit: number): number {
  let count = 0;
  for (let at = 0; at < text.length;) {
    let unit = text.charCodeAt(at);
    let length = 1;
    if (unit === BACKSLASH && at + 1 < text.length) {
      length = escapeLength(text, at);
      unit = length === 2 ? shortEscape(text.charCodeAt(at + 1)) : hexAt(text, at + 2, length - 2);
    }
    if (unit > limit) return -1;
    units[count] = unit;
    count += 1;
    at += length;
  }
  return count;
}

function escapeLength(text: string, index: number): number {
  const kind = text.charCodeAt(index + 1);
  const digits = kind === 0x75 ? 4 : kind === 0x78 ? 2 : 0;
  return digits > 0 && hexAt(text, index + 2, digits) >= 0 ? 2 + digits : 2;
}

/** What a hex digit says, by its UTF-16 unit; -1 if it is none. */
export function hexDigit(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** The number that hex digits say; -1 if they are none. */
function hexAt(text: string, start: number, digits: number): number {
  let number = 0;
  for (let at = start; at < start + digits; at += 1) {
    const digit = hexDigit(text.charCodeAt(at));
    if (digit < 0) return -1;
    number = number * 16 + digit;
  }
  return number;
}

function shortEscape(kind: number): number {
  switch (kind) {
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    default:
      return kind;
  }
}

function utf16(units: Uint16Array): string {
  const bytes = Buffer.allocUnsafe(units.length * 2);
  for (let i = 0; i < units.length; i += 1) bytes.writeUInt16LE(units[i] ?? 0, i * 2);
  return bytes.toString('utf16le');
}
