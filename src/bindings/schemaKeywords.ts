import type * as linear from './linearPattern';
import { digestOf } from '../shared/canonicalJson';
import { visible } from '../shared/visible';

/** A JSON Schema: an object of keywords, or `true` (anything) or `false` (nothing). */
export type Schema = boolean | Readonly<Record<string, unknown>>;

/** What keywords take, so that a schema can be checked before it is used. */
interface Wanted {
  readonly schema: Schema;
  readonly schemas: readonly Schema[];
  readonly 'schema map': Readonly<Record<string, Schema>>;
  readonly types: string | readonly string[];
  readonly names: readonly string[];
  readonly count: number;
  readonly number: number;
  readonly 'positive number': number;
  readonly pattern: string;
  readonly boolean: boolean;
  readonly list: readonly unknown[];
  readonly anything: unknown;
}

/** The kinds of what keywords take. */
export type Takes = keyof Wanted;

/** Something that is wrong with a value. */
export interface Wrong {
  /** JSON Pointer (RFC 6901), as it may be shown. Empty: the whole. */
  readonly path: string;
  /** What it must be, without a value: `must match ^a`. */
  readonly what: string;
}

/** The means to go on from the place in a value that is looked at. */
export interface Place {
  /** The schema that the keyword stands in. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** What is wrong with a value below this one. */
  readonly below: (schema: Schema, value: unknown, key: string | number) => Wrong | undefined;
  /** What is wrong with this value by another schema. */
  readonly here: (schema: Schema, value: unknown) => Wrong | undefined;
  /** Whether the pattern is in the text. @throws Error if all of them together take too much. */
  readonly matches: (pattern: string, text: string) => boolean;
}

/** What is wrong: with the value itself, in words, or with something below it. */
type Verdict = string | Wrong | undefined;

/** One keyword: what it takes, and what it says of a value (`undefined`: nothing against it). */
export interface Keyword {
  readonly takes: Takes;
  readonly violated: (wanted: unknown, value: unknown, place: Place) => Verdict;
}

type Members = Readonly<Record<string, unknown>>;

/** A keyword about every value. */
function aboutAll<T extends Takes>(takes: T, violated: (wanted: Wanted[T], value: unknown, place: Place) => Verdict): Keyword {
  // What a keyword takes was checked when the schema was read.
  return { takes, violated: (wanted, value, place) => violated(wanted as Wanted[T], value, place) };
}

/** A keyword about values of one kind; says nothing of others (JSON Schema 2020-12, core, 7.6.1). */
function about<V, T extends Takes>(
  is: (value: unknown) => value is V,
  takes: T,
  violated: (wanted: Wanted[T], value: V, place: Place) => Verdict,
): Keyword {
  return aboutAll(takes, (wanted, value, place) => (is(value) ? violated(wanted, value, place) : undefined));
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);

const IS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: isText,
  number: isNumber,
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: isList,
  object: isObject,
};

/** The names that the keyword `type` knows. */
export const TYPES: readonly string[] = Object.keys(IS);

const annotation: Keyword = { takes: 'anything', violated: () => undefined };

/** The keywords of JSON Schema (2020-12) that can be checked: those that need nothing but the value, and time in proportion to it. */
export const KEYWORDS: Readonly<Record<string, Keyword>> = {
  type: aboutAll('types', (wanted, value) => {
    const types = typeof wanted === 'string' ? [wanted] : wanted;
    return types.some((type) => IS[type]?.(value)) ? undefined : `must be of type ${types.join(' or ')}`;
  }),
  const: aboutAll('anything', (wanted, value) => (equal(wanted, value) ? undefined : `must be ${shown(wanted)}`)),
  enum: aboutAll('list', (wanted, value) =>
    wanted.some((one) => equal(one, value)) ? undefined : `must be one of ${wanted.map(shown).join(', ')}`,
  ),
  minimum: about(isNumber, 'number', (wanted, value) => (value >= wanted ? undefined : `must be ${String(wanted)} or more`)),
  maximum: about(isNumber, 'number', (wanted, value) => (value <= wanted ? undefined : `must be ${String(wanted)} or less`)),
  exclusiveMinimum: about(isNumber, 'number', (wanted, value) => (value > wanted ? undefined : `must be more than ${String(wanted)}`)),
  exclusiveMaximum: about(isNumber, 'number', (wanted, value) => (value < wanted ? undefined : `must be less than ${String(wanted)}`)),
  multipleOf: about(isNumber, 'positive number', (wanted, value) =>
    Number.isInteger(value / wanted) ? undefined : `must be a multiple of ${String(wanted)}`,
  ),
  minLength: about(isText, 'count', (wanted, value) =>
    characters(value) >= wanted ? undefined : `must have ${String(wanted)} characters or more`,
  ),
  maxLength: about(isText, 'count', (wanted, value) =>
    characters(value) <= wanted ? undefined : `must have ${String(wanted)} characters or less`,
  ),
  pattern: about(isText, 'pattern', (wanted, value, { matches }) => (matches(wanted, value) ? undefined : `must match ${visible(wanted)}`)),
  minItems: about(isList, 'count', (wanted, value) => (value.length >= wanted ? undefined : `must have ${String(wanted)} items or more`)),
  maxItems: about(isList, 'count', (wanted, value) => (value.length <= wanted ? undefined : `must have ${String(wanted)} items or less`)),
  uniqueItems: about(isList, 'boolean', (wanted, value) =>
    !wanted || new Set(value.map(digestOf)).size === value.length ? undefined : 'must not have the same item twice',
  ),
  items: about(isList, 'schema', (wanted, value, { below }) => first(value, (item, index) => below(wanted, item, index))),
  minProperties: about(isObject, 'count', (wanted, value) =>
    Object.keys(value).length >= wanted ? undefined : `must have ${String(wanted)} members or more`,
  ),
  maxProperties: about(isObject, 'count', (wanted, value) =>
    Object.keys(value).length <= wanted ? undefined : `must have ${String(wanted)} members or less`,
  ),
  required: about(isObject, 'names', (wanted, value) => {
    const missing = wanted.find((name) => !Object.hasOwn(value, name));
    return missing === undefined ? undefined : `must have ${shown(missing)}`;
  }),
  properties: about(isObject, 'schema map', (wanted, value, { below }) => {
    const folded = new Map(Object.keys(wanted).map((name) => [fold(name), name]));
    return first(Object.keys(value), (name) => {
      const schema = Object.hasOwn(wanted, name) ? wanted[name] : undefined;
      if (schema !== undefined) return below(schema, value[name], name);
      // Some servers take both for the same (Go's encoding/json does).
      const meant = folded.get(fold(name));
      return meant === undefined ? undefined : `must not have ${shown(name)}, which is another spelling of ${shown(meant)}`;
    });
  }),
  additionalProperties: about(isObject, 'schema', (wanted, value, { schema, below }) => {
    const known = isObject(schema.properties) ? schema.properties : {};
    return first(Object.keys(value), (name) => {
      if (Object.hasOwn(known, name)) return undefined;
      return wanted === false ? `must not have ${shown(name)}` : below(wanted, value[name], name);
    });
  }),
  propertyNames: about(isObject, 'schema', (wanted, value, { here }) =>
    first(Object.keys(value), (name) => (here(wanted, name) === undefined ? undefined : `must not have a member named ${shown(name)}`)),
  ),
  allOf: aboutAll('schemas', (wanted, value, { here }) => first(wanted, (schema) => here(schema, value))),
  anyOf: aboutAll('schemas', (wanted, value, { here }) => {
    const found = wanted.map((schema) => here(schema, value));
    return found.includes(undefined) ? undefined : (found[0] ?? 'must be something else');
  }),
  oneOf: aboutAll('schemas', (wanted, value, { here }) => {
    const count = wanted.filter((schema) => here(schema, value) === undefined).length;
    return count === 1 ? undefined : `must meet exactly one of ${String(wanted.length)} conditions, and meets ${String(count)}`;
  }),
  not: aboutAll('schema', (wanted, value, { here }) => (here(wanted, value) === undefined ? 'must be something else' : undefined)),
  $schema: annotation,
  $comment: annotation,
  title: annotation,
  description: annotation,
  default: annotation,
  examples: annotation,
  deprecated: annotation,
};

/** Patterns by their source, the one that was added first at the front. */
const kept = new Map<string, linear.LinearPattern>();
/** Together with their size this bounds what they take, which is mostly there once they are compiled. */
const KEPT_PATTERNS = 200;
const KEPT_SIZE = 50_000;
let keptSize = 0;

/** A pattern, read when first asked for and compiled when first used; or why it cannot be used. */
export function patternOf(source: string): linear.LinearPattern | linear.Unusable {
  const known = kept.get(source);
  if (known !== undefined) return known;
  // Loaded only where a policy has a pattern, and at once: reading a servers file waits for nothing.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { linearPattern } = require('./linearPattern') as typeof linear;
  const pattern = linearPattern(source);
  if (typeof pattern !== 'string') keep(source, pattern);
  return pattern;
}

function keep(source: string, pattern: linear.LinearPattern): void {
  kept.set(source, pattern);
  keptSize += pattern.size;
  for (const [oldest, { size }] of kept) {
    if (kept.size <= KEPT_PATTERNS && keptSize <= KEPT_SIZE) return;
    kept.delete(oldest);
    keptSize -= size;
  }
}

/** What is wrong with the first one with which something is. */
function first<T>(all: readonly T[], violated: (one: T, index: number) => Verdict): Verdict {
  for (const [index, one] of all.entries()) {
    const problem = violated(one, index);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Code points (JSON Schema 2020-12, validation, 6.3). */
function characters(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) count += 1;
  return count;
}

/** Goes no deeper than the value of the schema. */
function equal(wanted: unknown, value: unknown): boolean {
  if (isList(wanted)) return isList(value) && value.length === wanted.length && wanted.every((one, index) => equal(one, value[index]));
  if (!isObject(wanted)) return wanted === value;
  const names = Object.keys(wanted);
  if (!isObject(value) || Object.keys(value).length !== names.length) return false;
  return names.every((name) => Object.hasOwn(value, name) && equal(wanted[name], value[name]));
}

function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}

const MAX_SHOWN = 80;

/** Something of a schema, or the name of a member, in a message. */
function shown(value: unknown): string {
  const text = visible(JSON.stringify(value));
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
