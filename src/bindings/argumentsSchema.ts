import { visible } from '../shared/visible';
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

/** What a check may cost at most, so that nobody can keep the proxy busy with large arguments. */
const MAX_STEPS = 100_000;
const MAX_PATTERN_CHARACTERS = 256 * 1024;
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

class Check {
  #steps = 0;
  #characters = 0;

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
      matches: (pattern, text) => {
        this.#characters += text.length;
        if (this.#characters > MAX_PATTERN_CHARACTERS) throw new Error('too many characters');
        return patternOf(pattern).test(text);
      },
    };
    for (const [name, wanted] of Object.entries(schema)) {
      const verdict = KEYWORDS[name]?.violated(wanted, value, place);
      if (verdict !== undefined) return typeof verdict === 'string' ? { path, what: verdict } : verdict;
    }
    return undefined;
  }
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
    try {
      if (typeof wanted !== 'string') return 'This must be a text.';
      patternOf(wanted);
      return undefined;
    } catch {
      return 'This is not a pattern that can be checked in linear time (RE2 syntax: no look-around, no back references, at most 1,000 repetitions).';
    }
  },
}; // prettier-ignore

/** The schemas in what a keyword was given, with their keys. */
function inner(takes: Takes, wanted: unknown): [key: string | number | undefined, schema: unknown][] {
  if (takes === 'schema') return [[undefined, wanted]];
  if (takes === 'schemas') return (wanted as unknown[]).map((schema, index) => [index, schema]);
  return takes === 'schema map' ? Object.entries(wanted as object) : [];
}

function known(): string {
  return Object.keys(KEYWORDS).join(', ');
}
