import { numbersIn } from '../shared/jsonText';

/** Where a value is in arguments: keys and indexes, from the outermost down. */
type Path = readonly (string | number)[];

interface Found {
  readonly value: unknown;
  readonly above?: { readonly from: Found; readonly key: string | number };
}

/** A number with 15 digits at most, and without an exponent, always survives (IEEE 754). */
const SUSPECT = /[\d.]{16}|\d[eE]/;
const PARTS = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
const MARK = '\0a number that does not survive';

/**
 * The place of a number in arguments that was not read as it was written, or cannot be told from others: one beyond
 * ±(2^53 − 1), or with more digits than a double keeps. Another reader may take it for another number than was looked at here.
 * `undefined`: there is none.
 * @param body the JSON text of the messages that they were in; without it only what was read is looked at.
 */
export function inexactNumber(args: unknown, body: string | undefined): Path | undefined {
  const unsafe = find(args, isUnsafe);
  if (unsafe !== undefined || body === undefined || !SUSPECT.test(body)) return unsafe;
  const marked = markInexact(body);
  if (marked === undefined) return undefined;
  // Of a batch all messages are looked at: a call among them is not worth more.
  const messages: unknown = JSON.parse(marked);
  for (const message of Array.isArray(messages) ? (messages as unknown[]) : [messages]) {
    const found = find(member(member(message, 'params'), 'arguments'), (value) => value === MARK);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isUnsafe(value: unknown): boolean {
  return typeof value === 'number' && (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)));
}

/** Does not recurse: arguments can be nested deeply. */
function find(value: unknown, is: (value: unknown) => boolean): Path | undefined {
  const rest: Found[] = [{ value }];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (is(next.value)) return pathOf(next);
    if (typeof next.value !== 'object' || next.value === null) continue;
    const isList = Array.isArray(next.value);
    for (const [key, inner] of Object.entries(next.value))
      rest.push({ value: inner, above: { from: next, key: isList ? Number(key) : key } });
  }
  return undefined;
}

function pathOf(found: Found): Path {
  const path: (string | number)[] = [];
  for (let { above } = found; above !== undefined; above = above.from.above) path.unshift(above.key);
  return path;
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** JSON in which each number that does not survive is a text; `undefined` if all of them do. */
function markInexact(json: string): string | undefined {
  let marked = '';
  let copied = 0;
  for (const { at, text } of numbersIn(json)) {
    if (survives(text)) continue;
    marked += json.slice(copied, at) + JSON.stringify(MARK);
    copied = at + text.length;
  }
  return copied === 0 ? undefined : marked + json.slice(copied);
}

/** Whether a number is, as a double, still the number that was written. */
function survives(text: string): boolean {
  const read = Number(text);
  return Number.isFinite(read) && decimal(text) === decimal(String(read));
}

/** One text for each number: its digits without zeros around them, and the power of ten. */
function decimal(text: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return '0';
  let end = digits.length;
  while (digits.charAt(end - 1) === '0') end -= 1;
  return `${digits.slice(0, end)}e${String(Number(exponent) - fraction.length + digits.length - end)}`;
}
