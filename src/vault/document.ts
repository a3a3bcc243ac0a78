import * as z from 'zod';
import { SecretsError } from '../shared/errors';

/** The format that this version writes. */
export const FORMAT = 1;

const base64 = z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/);
const time = z.int().nonnegative();

const versionSchema = z.object({
  /** Counts up from 1 with every value of the secret. */
  version: z.int().positive(),
  createdAt: time,
  /** What `seal` returned, as base64. */
  sealed: base64,
});

const secretSchema = z.object({
  scope: z.string().min(1).max(128),
  name: z.string().regex(/^[A-Z0-9_]{1,128}$/),
  createdAt: time,
  /** Proves which version is current: see record.ts. */
  head: base64,
  /** Oldest first; the one with the highest number is current. */
  versions: z.array(versionSchema).min(1),
});

const documentSchema = z.object({
  format: z.literal(FORMAT),
  vaultId: z.string().regex(/^[0-9a-f]{32}$/),
  /** The fingerprint of the root key that sealed every record. */
  keyId: z.string().regex(/^[0-9a-f]{32}$/),
  secrets: z.array(secretSchema),
});

/** The ciphertext document of a vault: everything but the key. */
export type VaultDocument = z.infer<typeof documentSchema>;
/** One secret in the document. */
export type StoredSecret = z.infer<typeof secretSchema>;
/** One sealed value. */
export type StoredVersion = z.infer<typeof versionSchema>;

/**
 * Reads a document.
 * @throws SecretsError `vaultNewer` for a later format, `vaultDamaged` for anything else that is not one.
 */
export function parseDocument(text: string): VaultDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SecretsError('vaultDamaged', { what: 'not JSON' });
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (typeof format === 'number' && format > FORMAT) throw new SecretsError('vaultNewer', { format, known: FORMAT });
  const result = documentSchema.safeParse(value);
  if (!result.success) {
    const at = result.error.issues[0]?.path.join('.') ?? '';
    throw new SecretsError('vaultDamaged', { what: at === '' ? 'not a vault document' : `unexpected content at ${at}` });
  }
  const names = new Set(result.data.secrets.map((s) => `${s.scope}/${s.name}`));
  if (names.size !== result.data.secrets.length) throw new SecretsError('vaultDamaged', { what: 'two secrets of one name' });
  return result.data;
}

/** Writes a document as text that `parseDocument` reads. */
export function formatDocument(document: VaultDocument): string {
  return JSON.stringify(document);
}
