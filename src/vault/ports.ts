/** Keeps root keys. Nothing else in the product may write a key anywhere. */
export interface KeyStore {
  /**
   * The root key of a vault: 32 bytes that the caller may overwrite; `undefined` if there is none.
   * @throws SecretsError `keyInvalid` if there is something that cannot be a key.
   */
  get(vaultId: string): Promise<Buffer | undefined>;
  /** Stores a root key (32 bytes). It must be readable by `get` once the promise resolves. */
  set(vaultId: string, key: Buffer): Promise<void>;
}
