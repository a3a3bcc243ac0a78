import { createSecretKey, randomBytes, scrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import * as z from 'zod';
import { lazily } from '../shared/lazily';
import { open, seal } from './cipher';

const FORMAT = 1;
const SALT_BYTES = 16;
/** scrypt (RFC 7914) with 128 MiB of memory: about half a second. */
const COST = { N: 2 ** 17, r: 8, p: 1 };
/** What a file may demand: a hostile one must not take all memory, nor all time. */
const MOST_BYTES = 512 * 1024 * 1024;
const MOST_PASSES = 4;
const LEAST_N = 2 ** 15;

/** The fewest bytes of a new passphrase: what it protects can be taken away, and guessed at for years. */
export const LEAST_PASSPHRASE_BYTES = 8;

const wrappedSchema = lazily(() => {
  const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);

  const cost = z
    .object({ N: z.int().min(LEAST_N), r: z.int().min(1).max(32), p: z.int().min(1).max(MOST_PASSES) })
    .refine(({ N, r }) => Number.isInteger(Math.log2(N)) && 128 * N * r <= MOST_BYTES);

  return z
    .object({
      format: z.literal(FORMAT),
      kdf: z.literal('scrypt'),
      salt: base64.refine((text) => Buffer.from(text, 'base64').length >= SALT_BYTES).refine((text) => text.length <= 128),
      sealed: base64,
    })
    .and(cost);
});

/** Bytes that are sealed under a passphrase, and all that is needed to open them but the passphrase. */
export type Wrapped = z.infer<ReturnType<typeof wrappedSchema>>;

/** What a passphrase was made into, and how. */
export interface WrappingKey extends Pick<Wrapped, 'N' | 'r' | 'p' | 'salt'> {
  readonly key: KeyObject;
}

/** Whether a text is meant to be what `wrap` makes. */
export function looksWrapped(text: string): boolean {
  return text.trimStart().startsWith('{');
}

/** Reads what `wrap` made; `undefined` if it is not that, or demands more memory or time than it may. */
export function parseWrapped(text: string): Wrapped | undefined {
  try {
    return wrappedSchema().safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Makes a passphrase into a key, under a new salt. @param passphrase is not changed. */
export function newWrappingKey(passphrase: Buffer): Promise<WrappingKey> {
  return wrappingKey(passphrase, { ...COST, salt: randomBytes(SALT_BYTES).toString('base64') });
}

/** Makes a passphrase into the key that these bytes were sealed under, if it is the right one. @param passphrase is not changed. */
export function wrappingKeyOf(wrapped: Wrapped, passphrase: Buffer): Promise<WrappingKey> {
  return wrappingKey(passphrase, wrapped);
}

/** Whether a key is for these bytes, going by how it was made. */
export function isMadeFor({ N, r, p, salt }: WrappingKey, wrapped: Wrapped): boolean {
  return N === wrapped.N && r === wrapped.r && p === wrapped.p && salt === wrapped.salt;
}

/** Seals bytes: AES-256-GCM (see cipher.ts) that binds the parameters too. Returns JSON. */
export function wrap(plaintext: Buffer, { N, r, p, salt, key }: WrappingKey): string {
  const sealed = seal(key, plaintext, context({ N, r, p, salt })).toString('base64');
  return JSON.stringify({ format: FORMAT, kdf: 'scrypt', N, r, p, salt, sealed });
}

/** Opens bytes. The caller overwrites them. `undefined` if the key is not the right one or anything was changed. */
export function unwrap(wrapped: Wrapped, { key }: WrappingKey): Buffer | undefined {
  return open(key, Buffer.from(wrapped.sealed, 'base64'), context(wrapped));
}

function context({ N, r, p, salt }: Omit<WrappingKey, 'key'>): Buffer {
  return Buffer.from(JSON.stringify(['mcp-secrets/passphrase', FORMAT, 'scrypt', N, r, p, salt]));
}

function wrappingKey(passphrase: Buffer, { N, r, p, salt }: Omit<WrappingKey, 'key'>): Promise<WrappingKey> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase, Buffer.from(salt, 'base64'), 32, { N, r, p, maxmem: 2 * MOST_BYTES }, (error, bytes) => {
      if (error !== null) {
        reject(error);
        return;
      }
      resolve({ N, r, p, salt, key: createSecretKey(bytes) });
      bytes.fill(0);
    });
  });
}
