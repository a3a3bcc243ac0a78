import { visible } from '../shared/visible';
import type { Unusable } from './linearPattern';
import { MAX_PATTERN_LENGTH, MAX_PATTERN_SIZE } from './patternSize';
import { KEYWORDS, patternOf, TYPES } from './schemaKeywords';
import type { Place, Schema, Takes, Wrong } from './schemaKeywords';

/** A JSON Schema (2020-12) for the arguments of a tool, with the keywords that can be checked: see schemaKeywords.ts. */
export type ArgumentsSchema = Readonly<Record<string, unknown>>;

/** Something that is wrong in a schema. */
export interface SchemaProblem {
  /** Where, from the schema down. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What a check may cost at most, so that nobody can keep the proxy busy with large arguments, nor with a large policy. */
const MAX_STEPS = 100_000;
/** Characters under patterns, each times the size of its pattern: 256 K under small ones. Some 50 ns each at worst. */
const MAX_PATTERN_WORK = 4 * 1024 * 1024;
/** A pattern that is smaller counts as one of this size. */
const SMALL_PATTERN = 16;
/** What it takes to compile a pattern, in the same measure: as if the text were so many characters longer. */
const COMPILING = 128;
/** Of `enum`, `required` and `properties`: what is compared with a value at the cost of one step. */
const COMPARED_PER_STEP = 32;
const CHARACTERS_PER_STEP = 1024;
const MAX_PATH = 200;

/** What is wrong with a schema. A keyword that cannot be checked is a problem: ignored, it would promise what it does not keep. */
export function schemaProblems(schema: unknown, path: readonly (string | number)[] = []): SchemaProblem[] {
  if (typeof schema === 'boolean') return [];
  if (!isObject(schema)) return [{ path, message: 'A schema must be an object, true or false.' }];
  return Object.entries(schema).flatMap(([name, wanted]) => {
    const keyword = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined;
    const here = [...path, name];
    if (keyword === undefined) return [{ path: here, message: `"${name}" cannot be checked here. Known: ${known()}.` }];
    const message = WRONG[keyword.takes](wanted);
    if (message !== undefined) return [{ path: here, message }];
    return inner(keyword.takes, wanted).flatMap(([key, one]) => schemaProblems(one, key === undefined ? here : [...here, key]));
  });
}

/** What the patterns of one policy may be together, so that what a servers file takes has bounds. */
const MAX_PATTERNS = 200;
const MAX_PATTERNS_SIZE = 25_000;

/** What is wrong with the patterns of schemas without problems, taken together; `undefined`: nothing. */
export function patternsProblem(schemas: readonly ArgumentsSchema[]): string | undefined {
  const patterns = new Set(schemas.flatMap(patternsIn));
  if (patterns.size > MAX_PATTERNS)
    return `The rules have ${counted(patterns.size)} patterns for arguments. There can be ${counted(MAX_PATTERNS)} at most.`;
  let size = 0;
  for (const source of patterns) {
    const pattern = patternOf(source);
    if (typeof pattern !== 'string') size += pattern.size;
  }
  if (size <= MAX_PATTERNS_SIZE) return undefined;
  return `The patterns for arguments are too large together: written out, they have more than ${counted(MAX_PATTERNS_SIZE)} steps. Repeat less; for lengths use "minLength" and "maxLength".`;
}

function patternsIn(schema: unknown): string[] {
  if (!isObject(schema)) return [];
  return Object.entries(schema).flatMap(([name, wanted]) => {
    const takes = KEYWORDS[name]?.takes;
    if (takes === 'pattern') return [String(wanted)];
    return takes === undefined ? [] : inner(takes, wanted).flatMap(([, one]) => patternsIn(one));
  });
}

/**
 * What is wrong with arguments by a schema without problems, in words that hold none of their values (names of members can be in
 * it); `undefined`: nothing. Arguments that are too large to be checked are wrong. Never throws.
 */
export function violation(schema: ArgumentsSchema, value: unknown): string | undefined {
  try {
    const wrong = new Check().look(schema, value, '');
    return wrong === undefined ? undefined : `${shortened(wrong.path)} ${wrong.what}.`;
  } catch {
    // Too many steps, or nested too deeply for a comparison.
    return 'The arguments are too large to be checked.';
  }
}

/** As `violation`, for a number that cannot be checked: see `inexactNumber`. */
export function inexactness(path: readonly (string | number)[]): string {
  const where = shortened(path.map((key) => `/${pointer(key)}`).join(''));
  return `${where} is a number that others may read as another one than is checked here: it is beyond ±9,007,199,254,740,991, or has more digits than are kept. Give it with fewer digits, or as a text if the tool takes that.`;
}

class Check {
  #steps = 0;
  #patternWork = 0;
  readonly #patterns = new Set<string>();

  /** @throws Error if it takes too much. */
  look(schema: Schema, value: unknown, path: string): Wrong | undefined {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new Error('too many steps');
    if (schema === true) return undefined;
    if (schema === false) return { path, what: 'must not be there' };
    const place: Place = {
      schema,
      below: (other, member, key) => this.look(other, member, `${path}/${pointer(key)}`),
      here: (other, same) => this.look(other, same, path),
      matches: (pattern, text) => this.#matches(pattern, text),
    };
    for (const [name, wanted] of Object.entries(schema)) {
      this.#steps += stepsFor(wanted, value);
      const verdict = KEYWORDS[name]?.violated(wanted, value, place);
      if (verdict !== undefined) return typeof verdict === 'string' ? { path, what: verdict } : verdict;
    }
    return undefined;
  }

  #matches(source: string, text: string): boolean {
    const pattern = patternOf(source);
    if (typeof pattern === 'string') throw new Error(`pattern that is ${pattern}`);
    // Whether it is compiled already makes no difference, so that the same call always ends in the same way.
    const characters = text.length + (this.#patterns.has(source) ? 1 : COMPILING);
    this.#patterns.add(source);
    this.#patternWork += characters * Math.max(SMALL_PATTERN, pattern.size);
    if (this.#patternWork > MAX_PATTERN_WORK) throw new Error('too many characters');
    return pattern.test(text);
  }
}

/** What one keyword takes, beside what is looked at below it. */
function stepsFor(wanted: unknown, value: unknown): number {
  const compared = Array.isArray(wanted) ? wanted.length : isObject(wanted) ? Object.keys(wanted).length : 0;
  return compared / COMPARED_PER_STEP + (typeof value === 'string' ? value.length / CHARACTERS_PER_STEP : 0);
}

function shortened(path: string): string {
  if (path === '') return 'The whole';
  return path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
}

function pointer(key: string | number): string {
  return visible(String(key).slice(0, MAX_PATH).replaceAll('~', '~0').replaceAll('/', '~1'));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOf =
  (holds: (item: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(holds);
const isText = (value: unknown): boolean => typeof value === 'string';
const isType = (value: unknown): boolean => typeof value === 'string' && TYPES.includes(value);
const unless =
  (right: (value: unknown) => boolean, message: string) =>
  (value: unknown): string | undefined =>
    right(value) ? undefined : message;

/** Why a pattern cannot be used. */
const UNUSABLE: Readonly<Record<Unusable, string>> = {
  unreadable:
    'This is not a pattern that can be checked in linear time (RE2 syntax: no look-around, no back references, at most 1,000 repetitions).',
  long: `A pattern has at most ${counted(MAX_PATTERN_LENGTH)} characters here. Use a shorter one, "enum", or several under "anyOf".`,
  large: `This pattern is too large to be checked: written out, with everything as often as it may be repeated, it has more than ${counted(MAX_PATTERN_SIZE)} steps. Repeat less; for lengths use "minLength" and "maxLength".`,
};

/** What is wrong with what a keyword was given. */
const WRONG: Readonly<Record<Takes, (wanted: unknown) => string | undefined>> = {
  schema: () => undefined,
  schemas: unless((value) => Array.isArray(value) && value.length > 0, 'This must be a list of schemas.'),
  'schema map': unless(isObject, 'This must be an object of schemas.'),
  types: unless((value) => isType(value) || (Array.isArray(value) && value.length > 0 && value.every(isType)), `This must be one of ${TYPES.join(', ')}, or a list of them.`),
  names: unless(isListOf(isText), 'This must be a list of names.'),
  count: unless((value) => Number.isInteger(value) && (value as number) >= 0, 'This must be a whole number, 0 or more.'),
  number: unless((value) => typeof value === 'number', 'This must be a number.'),
  'positive number': unless((value) => typeof value === 'number' && value > 0, 'This must be a number above 0.'),
  boolean: unless((value) => typeof value === 'boolean', 'This must be true or false.'),
  list: unless(Array.isArray, 'This must be a list.'),
  anything: () => undefined,
  pattern: (wanted) => {
    if (typeof wanted !== 'string') return 'This must be a text.';
    const pattern = patternOf(wanted);
    return typeof pattern === 'string' ? UNUSABLE[pattern] : undefined;
  },
}; // prettier-ignore

/** The schemas in what a keyword was given, with their keys. */
function inner(takes: Takes, wanted: unknown): [key: string | number | undefined, schema: unknown][] {
  if (takes === 'schema') return [[undefined, wanted]];
  if (takes === 'schemas') return (wanted as unknown[]).map((schema, index) => [index, schema]);
  return takes === 'schema map' ? Object.entries(wanted as object) : [];
}

function counted(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

function known(): string {
  return Object.keys(KEYWORDS).join(', ');
}
