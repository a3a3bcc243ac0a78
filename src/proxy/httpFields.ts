/** Lower-case names by their spellings, so far as they were seen: agents and servers use few. */
const names = new Map<string, string>();
const MAX_NAMES = 1_000;
const MAX_REMEMBERED = 64;

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether a head has anything but visible ASCII, spaces and whole line breaks. */
export const NOT_PLAIN = /[^\r\n -~]|\r(?!\n)|(?<!\r)\n/;
/** The same, where tabs and bytes from 0x80 on may be in values (RFC 9110, 5.5). */
export const NOT_FIELDS = /[^\t\r\n -~\x80-\xff]|\r(?!\n)|(?<!\r)\n/;

/** What no value may hold, as `node:http` has it. */
export const NOT_VALUE = /[^\t -~\x80-\xff]/;

/**
 * The fields of the head of an HTTP message (RFC 9112, 5): names in lower case and values, in turn; `undefined` if one of its lines
 * is no field. Folded lines are none.
 * @param head without the empty line after it, free of what `NOT_FIELDS` finds. @param start where the line after the first one begins.
 */
export function fieldsIn(head: string, start: number): string[] | undefined {
  const fields: string[] = [];
  for (let at = start; at < head.length;) {
    const lineBreak = head.indexOf('\r\n', at);
    const end = lineBreak < 0 ? head.length : lineBreak;
    const colon = head.indexOf(':', at);
    if (colon < 0 || colon > end) return undefined;
    const name = lowerCase(head.slice(at, colon));
    if (name === '') return undefined;
    let from = colon + 1;
    while (isSpace(head, from)) from += 1;
    let to = end;
    while (to > from && isSpace(head, to - 1)) to -= 1;
    fields.push(name, head.slice(from, to));
    at = end + 2;
  }
  return fields;
}

function isSpace(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit === 0x20 || unit === 0x09;
}

/** The same text, for who keeps it: a part of a text keeps the whole alive, and with a head the tokens in it. @param part latin1. */
export function copyOf(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1');
}

/** The name of a field in lower case; empty if it is none. */
export function lowerCase(written: string): string {
  const known = names.get(written);
  if (known !== undefined) return known;
  if (!TOKEN.test(written)) return '';
  if (names.size >= MAX_NAMES || written.length > MAX_REMEMBERED) return written.toLowerCase();
  const own = copyOf(written);
  const name = own.toLowerCase();
  names.set(own, name);
  return name;
}
