import fc from 'fast-check';

const range = (from: number, to: number): fc.Arbitrary<string> =>
  fc.integer({ min: from, max: to }).map((code) => String.fromCodePoint(code));

/** One character of any kind, those that make trouble in JSON, addresses and headers more often. */
export const anyCharacter: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: range(0x21, 0x7e) },
  { weight: 2, arbitrary: fc.constantFrom('"', '\\', '/', '+', '%', '&', '=', ' ', "'", '*', '~', '(', '$', '{', '}', '<', '!') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\t', '\0', '\x7f', '\b', '\x1b') },
  { weight: 1, arbitrary: range(0xa0, 0x24f) },
  { weight: 1, arbitrary: range(0x400, 0xd7ff) },
  { weight: 1, arbitrary: range(0x1f300, 0x1faff) },
);

/** Text of any kind, without lone surrogates. */
export function anyText(minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.array(anyCharacter, { minLength, maxLength }).map((characters) => characters.join(''));
}

/** A JSON value with text of any kind in it. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    anyText(0, 30),
    fc.constantFrom(null, true, false, 0, -1, 1.5, 200),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(anyText(1, 10), tie('value'), { maxKeys: 4 }),
  ),
})).value;
