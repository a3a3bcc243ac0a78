import type { SecretStorage } from 'vscode';
import { SecretsError } from '../../shared/errors';
import { ROOT_KEY_BYTES } from '../../vault/keys';
import type { KeyStore } from '../../vault/ports';

/** What our entries in the secret storage start with. */
export const ROOT_KEY_PREFIX = 'rootKey/';

/** Keeps root keys in VS Code's secret storage, which encrypts them with a key of the operating system. */
export class SecretStorageKeyStore implements KeyStore {
  readonly #secrets: SecretStorage;

  constructor(secrets: SecretStorage) {
    this.#secrets = secrets;
  }

  async get(vaultId: string): Promise<Buffer | undefined> {
    const text = await this.#secrets.get(ROOT_KEY_PREFIX + vaultId);
    if (text === undefined) return undefined;
    const key = Buffer.from(text, 'base64');
    if (key.length !== ROOT_KEY_BYTES) {
      throw new SecretsError('keyInvalid', { path: `of this vault in VS Code's secret storage`, why: 'it is not a key of 32 bytes' });
    }
    return key;
  }

  /** Reads the key back before it resolves: a key that was not kept would make everything sealed under it worthless. */
  async set(vaultId: string, key: Buffer): Promise<void> {
    const text = key.toString('base64');
    await this.#secrets.store(ROOT_KEY_PREFIX + vaultId, text);
    if ((await this.#secrets.get(ROOT_KEY_PREFIX + vaultId)) !== text) {
      throw new SecretsError('storeFailed', { path: `VS Code's secret storage`, reason: 'the key was not kept' });
    }
  }
}
