import { numbersIn } from '../shared/jsonText';

/** Numbers that are written with fewer characters hold nothing that is looked for. */
const MIN_LENGTH = 8;
/** A number of that length, as far as can be told without knowing what is a string. */
const LONG = /[[:,\s]-?\d[\d.eE+-]{7}/;
/** Stands between two of them. */
const BORDER = ' ';

/** By message. */
const written = new WeakMap<object, string>();

/**
 * Remembers how the numbers of a JSON text are written that readers round or write otherwise: a server may read all of their
 * digits.
 * @param text valid JSON. @param messages what was read from it.
 */
export function noteNumbers(text: string, messages: readonly unknown[]): void {
  if (!LONG.test(text)) return;
  const numbers: string[] = [];
  for (const { text: number } of numbersIn(text))
    if (number.length >= MIN_LENGTH && number !== String(Number(number))) numbers.push(number);
  if (numbers.length === 0) return;
  const all = numbers.join(BORDER);
  for (const message of messages) if (typeof message === 'object' && message !== null) written.set(message, all);
}

/** The numbers of the text that a message came in, as they are written there, if that is not how they would be written here. */
export function numbersOf(message: unknown): string | undefined {
  return typeof message === 'object' && message !== null ? written.get(message) : undefined;
}
