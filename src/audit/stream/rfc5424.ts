import { hostname } from 'node:os';
import { visible } from '../../shared/visible';
import { fieldsOf, sentenceOf } from './record';
import type { Field, StreamRecord } from './record';

/** Security and authorization messages, not for everybody (RFC 5424, 6.2.1). */
const AUTHPRIV = 10;
const SEVERITY = { ok: 6, refused: 4, error: 3 } as const;
const APP = 'mcp-secrets';
/** We have no enterprise number of our own: this is the one that is nobody's (RFC 5612). */
const SD_ID = 'audit@32473';
/** How many characters of one value are kept: the first with which the message is small enough. */
const CUTS = [4096, 1024, 256, 64, 16];
const BOM = '\ufeff';

/**
 * An entry as an RFC 5424 message, UTF-8: every field is a parameter of the element `audit@32473`, `id` first; a list
 * is joined by commas, versions are `NAME=NUMBER`. Values that make it too long are cut, and end in `…` then.
 * @param maxBytes 2048 or more.
 */
export function formatSyslog(record: StreamRecord, maxBytes: number): Buffer {
  for (const cut of CUTS) {
    const message = Buffer.from(format(record, cut));
    if (message.length <= maxBytes) return message;
  }
  // Hundreds of parameters cannot be: an entry has a handful. What is left names it.
  return Buffer.from(`${header(record)} [${SD_ID} id="${escape(shorten(record.id, 64))}"]`);
}

function format(record: StreamRecord, cut: number): string {
  const fields: Field[] = [['id', visible(record.id)], ...fieldsOf(record)];
  const params = fields.map(([name, value]) => `${name}="${escape(shorten(textOf(value), cut))}"`);
  return `${header(record)} [${SD_ID} ${params.join(' ')}] ${BOM}${shorten(sentenceOf(record), cut)}`;
}

function header({ id, entry }: StreamRecord): string {
  const severity = entry.action === 'alert' ? SEVERITY.refused : SEVERITY[entry.outcome];
  const run = id.slice(0, id.lastIndexOf('-'));
  return `<${String(AUTHPRIV * 8 + severity)}>1 ${entry.time} ${word(hostname(), 255)} ${APP} ${word(run, 128)} ${word(entry.action, 32)}`;
}

/** Text for a place where only PRINTUSASCII may be; `-` if nothing is left. */
function word(text: string, length: number): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, length) || '-';
}

function textOf(value: Field[1]): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  const items = value instanceof Array ? value : Object.entries(value).map(([name, number]) => `${name}=${String(number)}`);
  return items.join(',');
}

/** By whole characters, so that no half of one is sent. */
function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/** RFC 5424, 6.3.3. */
function escape(text: string): string {
  return text.replace(/["\\\]]/g, '\\$&');
}
