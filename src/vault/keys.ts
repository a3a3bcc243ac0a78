import { createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Length of a root key in bytes. */
export const ROOT_KEY_BYTES = 32;

/** A new random root key. The caller overwrites it when it is stored. */
export function newRootKey(): Buffer {
  return randomBytes(ROOT_KEY_BYTES);
}

/**
 * The keys of one vault, made from its root key by HKDF-SHA-256 (RFC 5869), one per purpose, so that no
 * two uses share a key. The root key itself is not kept.
 */
export interface VaultKeys {
  /** Says which root key these come from. Not secret: kept beside the ciphertext. 32 hex digits. */
  readonly fingerprint: string;
  /** Seals records. */
  readonly records: KeyObject;
  /** Authenticates what is kept of a secret beside its sealed values. */
  readonly heads: KeyObject;
  /** Authenticates which secrets there are, and which generation of the vault this is. */
  readonly tree: KeyObject;
  /** Authenticates the audit trail. */
  readonly audit: KeyObject;
}

/** Derives the keys of the vault `vaultId` from its root key (32 bytes, not changed). */
export function deriveKeys(rootKey: Buffer, vaultId: string): VaultKeys {
  const key = (purpose: string): KeyObject => {
    const bytes = derive(rootKey, vaultId, purpose, 32);
    try {
      return createSecretKey(bytes);
    } finally {
      bytes.fill(0);
    }
  };
  return {
    fingerprint: fingerprintOf(rootKey, vaultId),
    records: key('records'),
    heads: key('heads'),
    tree: key('tree'),
    audit: key('audit'),
  };
}

/** The `fingerprint` that `deriveKeys` gives. */
export function fingerprintOf(rootKey: Buffer, vaultId: string): string {
  return derive(rootKey, vaultId, 'fingerprint', 16).toString('hex');
}

function derive(rootKey: Buffer, vaultId: string, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', rootKey, vaultId, `mcp-secrets/v1/${purpose}`, bytes));
}
