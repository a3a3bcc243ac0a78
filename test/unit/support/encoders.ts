import fc from 'fast-check';

type Encoder = readonly [name: string, encode: (text: string) => string];

const unit = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`;
const escaped = (text: string, wanted: RegExp): string =>
  JSON.stringify(text).replace(/\\(?:u[0-9a-f]{4}|.)|[^\\]/gs, (part, offset: number, whole: string) =>
    part.length === 1 && offset > 0 && offset < whole.length - 1 && wanted.test(part) ? unit(part.charCodeAt(0)) : part,
  );

/** Ways to write text as a JSON string, quotes included. All are read alike. */
export const JSON_ENCODERS: readonly Encoder[] = [
  ['as JavaScript does', (text: string): string => JSON.stringify(text)],
  ['in ASCII only, as Python does', (text: string): string => escaped(text, /[^\x20-\x7e]/)],
  ['with every character escaped', (text: string): string => escaped(text, /./s)],
  ['with upper-case escapes', (text: string): string => escaped(text, /./s).replace(/(?<=\\u)[0-9a-f]{4}/g, (hex) => hex.toUpperCase())],
  ['with escaped slashes, as PHP does', (text: string): string => JSON.stringify(text).replaceAll('/', '\\/')],
  ['safe for HTML, as Go does', (text: string): string => escaped(text, /[<>&]/)],
];

const percent = (text: string, keep: RegExp): string =>
  text.replace(/./gsu, (character) =>
    keep.test(character)
      ? character
      : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );

/** Ways to write text in an address. */
export const URL_ENCODERS: readonly Encoder[] = [
  ['encodeURIComponent', encodeURIComponent],
  ['in lower case', (text: string): string => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase())],
  ['as a form', (text: string): string => new URLSearchParams({ q: text }).toString().slice(2)],
  [
    'as a form, in lower case',
    (text: string): string =>
      new URLSearchParams({ q: text })
        .toString()
        .slice(2)
        .replace(/%../g, (code) => code.toLowerCase()),
  ],
  ['strictly (RFC 3986)', (text: string): string => percent(text, /[\w.~-]/)],
  ['with slashes kept, as Python does', (text: string): string => percent(text, /[\w.~/-]/)],
  ['with every character encoded', (text: string): string => percent(text, /(?!)/)],
];

/** One of some encoders, that failures can name. */
export function encoderOf(encoders: readonly Encoder[]): fc.Arbitrary<Encoder> {
  return fc.constantFrom(...encoders);
}
