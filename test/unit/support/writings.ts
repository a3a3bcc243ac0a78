import fc from 'fast-check';
import { JSON_ENCODERS, URL_ENCODERS } from './encoders';

/** Some text in which a value is written in some way. */
export interface Written {
  readonly before: string;
  readonly written: string;
  readonly after: string;
}

/** A way in which a server may repeat a value. */
export interface Writing {
  readonly name: string;
  write(value: string): Written;
  /** What can still be read of the value in text, after it was taken out. */
  remains(text: string, value: string): string[];
}

const bytesOf = (value: string): Buffer => Buffer.from(value);
const plain = (text: string, value: string): string[] =>
  text.includes(value) || text.includes(JSON.stringify(value).slice(1, -1)) ? [value] : [];
const nothing = (): string[] => [];

function plainWriting(name: string, write: (value: string) => string): Writing {
  return { name, write: (value) => ({ before: '', written: write(value), after: '' }), remains: plain };
}

/** What base64 and hex in some text say, as latin1. */
function decoded(text: string): string {
  const joined = text
    .replace(/(?:\\+[rn])+[ \t]*/g, '')
    .replace(/%2b/gi, '+')
    .replace(/%2f/gi, '/');
  return (joined.match(/[A-Za-z0-9+/_-]{4,}/g) ?? [])
    .flatMap((run) => [
      ...[0, 1, 2, 3].map((skip) => Buffer.from(run.slice(skip), 'base64').toString('latin1')),
      Buffer.from(run, 'hex').toString('latin1'),
    ])
    .join('\n');
}

const encodedRemains = (text: string, value: string): string[] =>
  decoded(text).includes(bytesOf(value).toString('latin1')) ? [value] : [];

const wrap = (text: string, columns: number, lineBreak: string): string =>
  text.replace(new RegExp(`(.{${String(columns)}})(?=.)`, 'g'), `$1${lineBreak}`);

const edge = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

/** Base64 of something that has the value in it, at any alignment. */
const base64 = fc
  .record({
    before: edge,
    after: edge,
    form: fc.constantFrom<'base64' | 'base64url'>('base64', 'base64url'),
    pad: fc.boolean(),
    url: fc.boolean(),
    inner: fc.constantFrom<'as it is' | 'JSON' | 'JSON for ASCII' | 'JSON in JSON' | 'Basic' | 'form'>(
      'as it is',
      'JSON',
      'JSON for ASCII',
      'JSON in JSON',
      'Basic',
      'form',
    ),
    lines: fc.constantFrom<readonly [number, string] | undefined>(
      undefined,
      [76, '\r\n'],
      [76, '\n'],
      [64, '\n'],
      [76, '\n    '],
      [60, '\r\n\t'],
    ),
  })
  .map(({ before, after, form, pad, url, inner, lines }): Writing => ({
    name: `${form} of the value (${inner})${lines === undefined ? '' : ` in lines of ${String(lines[0])}`}${url ? ', URL-encoded' : ''}`,
    write: (value) => {
      const json = JSON.stringify({ key: value });
      const core = {
        'as it is': value,
        JSON: json,
        'JSON for ASCII': json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
        'JSON in JSON': JSON.stringify(json),
        Basic: `user:${value}`,
        form: `user:${encodeURIComponent(value)}`,
      }[inner];
      const text = Buffer.concat([before, Buffer.from(core), after]).toString(form);
      const padded = pad ? text : text.replace(/=+$/, '');
      const wrapped = lines === undefined ? padded : wrap(padded, ...lines);
      return { before: 'Basic ', written: url ? encodeURIComponent(wrapped) : wrapped, after: ' ok' };
    },
    remains: inner === 'as it is' || inner === 'Basic' ? encodedRemains : nothing,
  }));

const twice = fc.record({ before: edge, between: edge, after: edge }).map(({ before, between, after }): Writing => ({
  name: 'base64 of base64',
  write: (value) => {
    const once = Buffer.concat([before, bytesOf(value), after]).toString('base64');
    return { before: '', written: Buffer.concat([between, Buffer.from(once)]).toString('base64'), after: '' };
  },
  remains: nothing,
}));

const hex = fc
  .record({
    separator: fc.constantFrom('', ':', ' ', '-', '\n', ':\n', ':\n    ', '\r\n'),
    group: fc.constantFrom(1, 1, 2, 4, 7, 15),
    inGroup: fc.constantFrom('', '', ' ', ':'),
    upper: fc.boolean(),
    before: edge,
    after: edge,
  })
  .map(({ separator, group, inGroup, upper, before, after }): Writing => ({
    name: `hex, ${String(group)} bytes separated by ${JSON.stringify(separator)}`,
    write: (value) => {
      const digits = Buffer.concat([before, bytesOf(value), after]).toString('hex');
      const groups = (upper ? digits.toUpperCase() : digits).match(new RegExp(`.{1,${String(2 * group)}}`, 'g')) ?? [];
      const text = groups.map((bytes) => bytes.replace(/..\B/g, `$&${inGroup}`)).join(separator);
      return { before: '', written: text, after: '' };
    },
    remains: (text, value) => {
      const digits = text.replace(/\\+[rn]|[\r\n: -]/g, '').toLowerCase();
      return digits.includes(bytesOf(value).toString('hex')) ? [value] : [];
    },
  }));

const htmlCode = (digits: (code: number) => string, which: RegExp) => (value: string) =>
  value.replace(/./gsu, (character) => (which.test(character) ? `&#${digits(character.codePointAt(0) ?? 0)};` : character));
const NAMES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const html = fc.constantFrom<Writing>(
  plainWriting('HTML', (value) => value.replace(/[&<>"']/g, (character) => NAMES[character] ?? character)),
  plainWriting(
    'HTML in hex',
    htmlCode((code) => `x${code.toString(16).toUpperCase()}`, /[^a-z]/),
  ),
  plainWriting('HTML in decimal', htmlCode(String, /./s)),
);

const json = fc.constantFrom(...JSON_ENCODERS.map(([name, encode]) => plainWriting(`JSON, ${name}`, (value) => encode(value))));
const url = fc.constantFrom(...URL_ENCODERS.map(([name, encode]) => plainWriting(`URL, ${name}`, encode)));

/** Every way of writing that redaction finds (docs/security.md). */
export const anyWriting: fc.Arbitrary<Writing> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(plainWriting('as it is', (value) => value)) },
  { weight: 2, arbitrary: json },
  { weight: 4, arbitrary: base64 },
  { weight: 1, arbitrary: twice },
  { weight: 2, arbitrary: hex },
  { weight: 2, arbitrary: url },
  { weight: 1, arbitrary: html },
);
