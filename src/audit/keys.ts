import type { KeyObject } from 'node:crypto';

/** A key that entries are authenticated with. It opens no secret. */
export interface AuditKey {
  /** The fingerprint of the root key that it was made from: 32 hex digits. */
  readonly id: string;
  /** For HMAC-SHA-256. */
  readonly key: KeyObject;
}

/** Where the audit trail gets its keys. Both methods never reject: a key that cannot be had is `undefined`. */
export interface AuditKeys {
  /** The key for new entries; `undefined` while there is none (no vault yet, or its key is lost). */
  current(): Promise<AuditKey | undefined>;
  /** The key with this id: the current one, or one that was current before the root key was replaced. */
  byId(id: string): Promise<AuditKey | undefined>;
}
