import type { IncomingHttpHeaders } from 'node:http';
import { SecretsError } from '../../shared/errors';
import { objectAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import { decodeHeaderValue, encodeHeaderValue } from './headerValue';

/** Headers that repeat an argument of a tool call. */
export const PARAM_PREFIX = 'mcp-param-';

const KEY = 'x-mcp-header';
const TYPES: readonly unknown[] = ['string', 'integer', 'boolean'];
const DECIMAL = /^-?\d+(?:\.\d+)?$/;
/** Deeper than this no schema of a tool is. */
const MAX_DEPTH = 64;

/** An argument that a tool wants repeated in a header (2026-07-28, custom headers from tool parameters). */
export interface ParamHeader {
  /** Where the argument is, as keys from the root of the arguments. */
  readonly path: readonly string[];
  /** The header's name without its prefix. */
  readonly name: string;
}

/**
 * Checks that each `Mcp-Param-…` header of a request repeats an argument of the tool call in its body. Which one it should be
 * is in the tool's schema and for the server to check; here it is made sure that no other text leaves in such a header.
 * @throws SecretsError `headerMismatch`.
 */
export function checkParamHeaders(headers: IncomingHttpHeaders, message: Message): void {
  for (const header in headers) {
    if (!header.startsWith(PARAM_PREFIX)) continue;
    const value = headers[header];
    const text = typeof value === 'string' ? decodeHeaderValue(value) : undefined;
    if (text === undefined) throw new SecretsError('headerMismatch', { what: 'an Mcp-Param header is not encoded correctly' });
    if (!repeats(text, message)) throw new SecretsError('headerMismatch', { what: 'an Mcp-Param header repeats no argument of the call' });
  }
}

function repeats(text: string, { method, params }: Message): boolean {
  const rest: unknown[] = method === 'tools/call' ? [objectAt(params, 'arguments')] : [];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'object' && value !== null) {
      if (!Array.isArray(value)) for (const member of Object.values(value)) rest.push(member);
    } else if (textOf(value) === text || (typeof value === 'number' && DECIMAL.test(text) && Number(text) === value)) return true;
  }
  return false;
}

/** What a tool wants repeated in headers; `undefined` if its schema breaks the rules, so that it must not be offered. */
export function paramHeaders(inputSchema: unknown): readonly ParamHeader[] | undefined {
  const found: ParamHeader[] = [];
  const names = new Set<string>();
  const rest: { schema: unknown; path: readonly string[] | undefined; depth: number }[] = [{ schema: inputSchema, path: [], depth: 0 }];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const { schema, path, depth } = next;
    if (typeof schema !== 'object' || schema === null) continue;
    if (depth > MAX_DEPTH) return undefined;
    if (!Array.isArray(schema) && Object.hasOwn(schema, KEY) && typeof (schema as Record<string, unknown>)[KEY] !== 'object') {
      const { [KEY]: name, type } = schema as Record<string, unknown>;
      // Only reachable through "properties" and nothing else.
      if (path === undefined || path.length === 0 || !TYPES.includes(type)) return undefined;
      if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return undefined;
      if (names.has(name.toLowerCase())) return undefined;
      names.add(name.toLowerCase());
      found.push({ path, name });
    }
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'properties' && path !== undefined && isObject(value))
        for (const [property, inner] of Object.entries(value)) rest.push({ schema: inner, path: [...path, property], depth: depth + 1 });
      else if (!DATA.has(key)) rest.push({ schema: value, path: undefined, depth: depth + 1 });
    }
  }
  return found;
}

/** Keywords that hold values, not schemas. */
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'required', 'title', 'description', '$id', '$ref']);

/** The headers for one call of a tool. They are made of what the agent gave, before any secret is opened. */
export function deriveParamHeaders(wanted: readonly ParamHeader[], args: Readonly<Record<string, unknown>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, name } of wanted) {
    let value: unknown = args;
    for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    const text = textOf(value);
    if (text !== undefined) headers[`${PARAM_PREFIX}${name.toLowerCase()}`] = encodeHeaderValue(text);
  }
  return headers;
}

/** Whether a header of a request says the same as one of ours; numbers in other words do, too. */
export function sameParam(given: string | string[] | undefined, ours: string): boolean {
  const text = typeof given === 'string' ? decodeHeaderValue(given) : undefined;
  const wanted = decodeHeaderValue(ours);
  return text !== undefined && (text === wanted || (DECIMAL.test(text) && DECIMAL.test(wanted ?? '') && Number(text) === Number(wanted)));
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'number' && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? String(value) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
