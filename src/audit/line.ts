import * as z from 'zod';
import { lazily } from '../shared/lazily';
import type { AuditEntry } from './entry';
import type { AuditKey } from './keys';
import { NO_KEY, openLine, sealLine } from './sealedLine';

/** Agents and servers choose names and ids; a line holds at most this much of each, in UTF-16 units. */
const MAX_TEXT = 256;

/** An entry as it stands in the trail. */
export interface ChainedEntry extends AuditEntry {
  /** Counts from 1. */
  readonly seq: number;
  /** The id of the key that `mac` is made with, or `none`. */
  readonly key: string;
  /** HMAC-SHA-256 over the mac of the line before and this line without its mac, base64url. Of the first line: over nothing before. */
  readonly mac: string;
}

/** A line as far as the chain goes: what it says is not looked at. */
export interface Line {
  readonly seq: number;
  readonly key: string;
  readonly mac: string;
  readonly signed: Buffer;
}

/** The end of a chain, to which the next line is tied. */
export interface ChainEnd {
  /** 0 before the first line. */
  readonly seq: number;
  /** Empty before the first line. */
  readonly mac: string;
}

/** Where a trail begins. */
export const BEGINNING: ChainEnd = { seq: 0, mac: '' };

/** The line for an entry, with its line break, and the end of the chain after it. */
export function formatLine(
  entry: AuditEntry,
  { seq, mac }: ChainEnd,
  key: AuditKey | undefined,
): { readonly text: string; readonly end: ChainEnd } {
  // Members that follow `...` in a literal cost V8 a hidden class for each object.
  const value = Object.assign({}, clipped(entry), { seq: seq + 1, key: key?.id ?? NO_KEY });
  const sealed = sealLine(value, mac, key);
  return { text: `${sealed.text}\n`, end: { seq: seq + 1, mac: sealed.mac } };
}

/** The place of a line (bytes without line break) in the chain, not checked; `undefined` if it is no line of a trail. */
export function parseLine(bytes: Buffer): Line | undefined {
  const line = openLine(bytes);
  if (line === undefined) return undefined;
  const { seq, key } = line.value;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1 || typeof key !== 'string') return undefined;
  return { seq, key, mac: line.mac, signed: line.signed };
}

/** What views and exports rely on. Actions that a newer version has made are let through. */
const schema = lazily(() => {
  const text = z.string();
  const optional = text.optional();
  return z.object({
    time: text,
    actor: z.enum(['user', 'cli', 'agent', 'product']),
    action: text,
    agent: optional,
    server: optional,
    method: optional,
    tool: optional,
    requestId: optional,
    scope: optional,
    secrets: z.array(text).optional(),
    versions: z.record(text, z.number()).optional(),
    outcome: z.enum(['ok', 'error', 'refused']),
    durationMs: z.number().optional(),
    errorKind: optional,
    count: z.number().optional(),
    rule: optional,
    token: optional,
    servers: z.array(text).optional(),
    seq: z.number(),
    key: text,
    mac: text,
  });
});

/** What a line says, not checked against its mac; `undefined` if it is no entry. */
export function parseEntry(bytes: Buffer): ChainedEntry | undefined {
  const { success, data } = schema().safeParse(openLine(bytes)?.value);
  return success ? (data as ChainedEntry) : undefined;
}

function clipped(entry: AuditEntry): AuditEntry {
  const isLong = (value: unknown): value is string => typeof value === 'string' && value.length > MAX_TEXT;
  if (!Object.values(entry).some(isLong)) return entry;
  const cut = Object.entries(entry).map(([name, value]: [string, unknown]) => [
    name,
    isLong(value) ? `${value.slice(0, MAX_TEXT - 1)}…` : value,
  ]);
  return Object.fromEntries(cut) as AuditEntry;
}
