import * as z from 'zod';
import { lazily } from '../shared/lazily';

const secretSchema = lazily(() => {
  const time = z.int().nonnegative();
  const version = z.object({
    /** Counts up from 1 with every value of the secret. */
    version: z.int().positive(),
    createdAt: time,
    expiresAt: time.exactOptional(),
    /** What `seal` returned, as base64. Not checked here: what is no base64 does not open. */
    sealed: z.string(),
  });
  return z.object({
    scope: z.string().min(1).max(128),
    name: z.string().min(1).max(128),
    createdAt: time,
    rotateEveryMs: z.int().positive().exactOptional(),
    versions: z.array(version).min(1),
  });
});

const manifestSchema = lazily(() => z.array(z.tuple([z.string(), z.string(), z.string()])));

/** One sealed value. */
export interface StoredVersion {
  readonly version: number;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly sealed: string;
}

/** One secret as it is kept. Without versions: its line cannot be read, and stays as it is. */
export interface StoredSecret {
  readonly scope: string;
  readonly name: string;
  /** Proves the rest: see record.ts. Empty if the line that holds the proofs cannot be read. */
  readonly head: string;
  readonly createdAt: number;
  readonly rotateEveryMs?: number;
  readonly versions: readonly StoredVersion[];
  /** The line, if it cannot be read. */
  readonly raw?: string;
}

/** Some of the secrets of a vault. A vault has as many parts as it takes to keep each small. */
export interface Part {
  readonly secrets: readonly StoredSecret[];
  readonly byKey: ReadonlyMap<string, StoredSecret>;
}

/** What a secret is found by within a vault. No scope contains a slash. */
export function keyOf(scope: string, name: string): string {
  return `${scope}/${name}`;
}

/** Makes a part of its secrets. */
export function partOf(secrets: readonly StoredSecret[]): Part {
  return { secrets, byKey: new Map(secrets.map((secret) => [keyOf(secret.scope, secret.name), secret])) };
}

/**
 * Writes a part: a line that names the secrets with their proofs, then a line for each. So a damaged line costs one secret
 * at most, and a damaged first line nothing. They are two line breaks apart, so that no damage to one of these joins them.
 */
export function formatPart(secrets: readonly StoredSecret[]): string {
  const manifest = secrets.map(({ scope, name, head }) => [scope, name, head]);
  return [manifest.length === 0 ? '[]' : JSON.stringify(manifest), '', ...secrets.map(lineOf)].join('\n');
}

const lines = new WeakMap<readonly StoredVersion[], { secret: StoredSecret; line: string }>();

/** Most secrets of a part stay as they are when it is written anew: their lines are remembered. */
function lineOf(secret: StoredSecret): string {
  const { scope, name, createdAt, rotateEveryMs, versions, raw } = secret;
  if (raw !== undefined) return raw;
  const known = lines.get(versions);
  if (
    known?.secret.createdAt === createdAt &&
    known.secret.rotateEveryMs === rotateEveryMs &&
    known.secret.name === name &&
    known.secret.scope === scope
  )
    return known.line;
  const line = JSON.stringify({ scope, name, createdAt, rotateEveryMs, versions });
  lines.set(versions, { secret, line });
  return line;
}

/**
 * Reads a part, as much of it as can be read. A secret that the first line does not name has no proof (an empty `head`); one
 * that has no line of its own is there without versions. Throws nothing.
 */
export function parsePart(text: string): Part {
  const [first = '', ...rest] = text.split('\n');
  const lines = rest.filter((line) => line !== '');
  const manifest = parsed(manifestSchema(), first) ?? [];
  const heads = new Map(manifest.map(([scope, name, head]) => [keyOf(scope, name), head]));
  const entries = lines.map((line) => parsed(secretSchema(), line));
  const keys = new Set(entries.map((entry) => entry && keyOf(entry.scope, entry.name)));
  // Which of several damaged lines was whose cannot be said: they are taken in order.
  const unread = manifest.filter(([scope, name]) => !keys.has(keyOf(scope, name)));
  const secrets = entries.flatMap((entry, i) => {
    if (entry !== undefined) return [{ ...entry, head: heads.get(keyOf(entry.scope, entry.name)) ?? '' }];
    return unread.splice(0, 1).map((named) => unreadable(named, lines[i] ?? ''));
  });
  return partOf([...secrets, ...unread.map((named) => unreadable(named, ''))]);
}

function unreadable([scope, name, head]: readonly [string, string, string], raw: string): StoredSecret {
  return { scope, name, head, createdAt: 0, versions: [], raw };
}

function parsed<T>(schema: z.ZodType<T>, line: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
