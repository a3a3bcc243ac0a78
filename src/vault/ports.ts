/**
 * Keeps root keys, and beside them what proves that a vault is not an older one. Nothing else in the product may
 * write a key anywhere. A key is found by the vault and by its fingerprint (`keyId`, 32 hex digits, see keys.ts):
 * while a key is being replaced, there are two.
 */
export interface KeyStore {
  /**
   * The root key with this fingerprint: 32 bytes that the caller overwrites; `undefined` if it is not there.
   * @throws SecretsError `keyInvalid` if there is something that cannot be a key, `passphraseNeeded`, `passphraseWrong`.
   */
  get(vaultId: string, keyId: string): Promise<Buffer | undefined>;
  /**
   * The root key that a new vault is to be sealed under: one that is there already where vaults share a key, else a new one
   * that `get` finds once the promise resolves. The caller overwrites it.
   * @throws SecretsError `keyNeeded` if other vaults need a key that is gone, `storeFailed`, and as `get`.
   */
  create(vaultId: string): Promise<Buffer>;
  /**
   * A further root key to replace the one named `keyId` by. Both are found by `get` until `retire`. The caller overwrites it.
   * If such a key was begun earlier and not finished, that one. @throws SecretsError `storeFailed`, and as `get`.
   */
  successor(vaultId: string, keyId: string): Promise<Buffer>;
  /**
   * Says that this vault is sealed under `keyId` alone now (`undefined`: there is no such vault any more).
   * Keys that no vault needs any more are destroyed.
   */
  retire(vaultId: string, keyId: string | undefined): Promise<void>;
  /** The highest generation of a vault that was ever kept here; 0 if none was. */
  generation(vaultId: string): Promise<number>;
  /** Keeps a generation. A lower one than what is kept changes nothing. */
  keepGeneration(vaultId: string, generation: number): Promise<void>;
  /** Drops what is kept in memory of keys, or of a passphrase that opens them. */
  forget(): void;
}
