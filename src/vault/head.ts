import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { SecretsError } from '../shared/errors';
import type { Home } from './record';
import type { StoredSecret } from './part';

/** The format that this version writes. */
export const FORMAT = 2;

const base64 = z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/);
const keyId = z.string().regex(/^[0-9a-f]{32}$/);

const headSchema = z.object({
  format: z.literal(FORMAT),
  vaultId: z.string().regex(/^[0-9a-f]{32}$/),
  /** The fingerprint of the root key. */
  keyId,
  /** The fingerprint of the key that is taking its place, while that is under way: until the former one is destroyed. */
  nextKeyId: keyId.exactOptional(),
  /** Counts up with every change. */
  generation: z.int().positive(),
  lock: z.enum(['open', 'locked', 'panic']),
  /** The audit keys of earlier root keys, each sealed under the current one. */
  formerAudit: z.array(z.object({ keyId, sealed: base64 })),
  /** The parts that hold the secrets. Which one holds a secret follows from its name: see `shardOf`. */
  shards: z
    .array(
      z.object({
        part: z.string().regex(/^[a-z0-9]{1,64}$/),
        /** The fingerprint of the root key that its records are sealed under. */
        keyId,
        count: z.int().nonnegative(),
        /** Proves which secrets are in it: see `shardMac`. */
        mac: base64,
      }),
    )
    .min(1)
    .refine((shards) => (shards.length & (shards.length - 1)) === 0),
  /** Proves all of the above. */
  mac: base64,
  /** A lock that somebody without the key has asked for. Not proven: who takes it away could as well put an earlier head back. */
  asked: z.enum(['locked', 'panic']).exactOptional(),
});

/** The head of a vault's document: everything but the secrets themselves. */
export type Head = Readonly<z.infer<typeof headSchema>>;
/** What the head says of one part. */
export type Shard = Head['shards'][number];

/**
 * Reads a head of format 2. @param text a head of any format.
 * @returns the head, or `undefined` if this is a document of format 1 (see migrate.ts).
 * @throws SecretsError `vaultNewer` for a later format, `vaultDamaged` for anything else that is not one.
 */
export function parseHead(text: string): Head | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SecretsError('vaultDamaged', { what: 'not JSON' });
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (format === 1) return undefined;
  if (typeof format === 'number' && format > FORMAT) throw new SecretsError('vaultNewer', { format, known: FORMAT });
  const result = headSchema.safeParse(value);
  if (result.success) return result.data;
  const at = result.error.issues[0]?.path.join('.') ?? '';
  throw new SecretsError('vaultDamaged', { what: at === '' ? 'not a vault document' : `unexpected content at ${at}` });
}

/** Writes a head as text that `parseHead` reads, with the proof for it. */
export function formatHead(head: Omit<Head, 'mac'>, home: Home): string {
  return JSON.stringify({ ...head, mac: macOf(head, home) });
}

/** The lock that counts: the stricter one of what is proven and what was asked for. */
export function lockOf({ lock, asked }: Pick<Head, 'lock' | 'asked'>): Head['lock'] {
  return lock === 'panic' || asked === undefined ? lock : asked;
}

/** Whether a head is as it was written under this key. */
export function isSound(head: Head, home: Home): boolean {
  return macOf(head, home) === head.mac;
}

function macOf({ format, vaultId, keyId, nextKeyId, generation, lock, formerAudit, shards }: Omit<Head, 'mac'>, { keys }: Home): string {
  const audit = formerAudit.map((former) => [former.keyId, former.sealed]);
  const list = shards.map((shard) => [shard.part, shard.keyId, shard.count, shard.mac]);
  const parts = ['mcp-secrets/tree', format, vaultId, keyId, nextKeyId ?? null, generation, lock, audit, list];
  return createHmac('sha256', keys.tree).update(JSON.stringify(parts)).digest('base64');
}

/** What proves which secrets a part holds, each as last written: HMAC-SHA-256 over its place in the vault and their proofs. */
export function shardMac({ vaultId, keys }: Home, index: number, of: number, secrets: readonly StoredSecret[]): string {
  const heads = secrets.map(({ scope, name, head }) => [scope, name, head]);
  const parts = ['mcp-secrets/shard', FORMAT, vaultId, keys.fingerprint, index, of, heads];
  return createHmac('sha256', keys.tree).update(JSON.stringify(parts)).digest('base64');
}

/** Which of `count` parts (a power of two) holds a secret: FNV-1a, which spreads well and costs nothing. */
export function shardOf(key: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) & (count - 1);
}
