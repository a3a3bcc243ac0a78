import { existsSync } from 'node:fs';
import { SecretsError } from '../../shared/errors';
import type { NeededKeys } from '../../vault/fileKeyStore';
import type { AskPassphrase } from '../../vault/keyFile';
import { newRootKey } from '../../vault/keys';
import type { KeyStore } from '../../vault/ports';
import { passphraseKeyStore } from './passphraseKeyStore';
import type { PassphraseKeyStore } from './passphraseKeyStore';
import { SecretStorageKeyStore } from './secretStorageKeyStore';

type Secrets = ConstructorParameters<typeof SecretStorageKeyStore>[0];

/**
 * The root keys of one vault: in VS Code's secret storage, or, if the user wants that, in a file that a passphrase opens.
 * Which of the two counts is decided by whether that file is there.
 */
export class EditorKeyStore implements KeyStore {
  readonly #storage: SecretStorageKeyStore;
  readonly #sealed: PassphraseKeyStore;
  readonly #neededKeys: () => NeededKeys | undefined;

  /** @param folder the vault's own, for the file. @param neededKeys what the vault needs; `undefined` if there is none. May throw if it cannot be read. */
  constructor(secrets: Secrets, folder: string, ask: AskPassphrase, neededKeys: () => NeededKeys | undefined) {
    this.#storage = new SecretStorageKeyStore(secrets);
    this.#neededKeys = neededKeys;
    this.#sealed = passphraseKeyStore(folder, ask, () => {
      try {
        const needed = neededKeys();
        return needed === undefined ? [] : [needed];
      } catch {
        return undefined; // Whoever reads the vault hears why.
      }
    });
  }

  /** Whether the keys are under a passphrase. */
  get isProtected(): boolean {
    return existsSync(this.#sealed.file.path);
  }

  /** Has the passphrase asked for now, if one is needed: not while others wait for the vault. @throws SecretsError `passphraseNeeded`, `passphraseWrong`, `keyInvalid`, `tooOpen`. */
  async prepare(): Promise<void> {
    if (this.isProtected) await this.#sealed.file.read(() => undefined);
  }

  /**
   * Moves the keys of the vault under a passphrase, or gives them another one. They are in the secret storage until they
   * are seen to be in the file. Before there is a vault: it will be sealed under a key that is in the file from the start. @throws SecretsError `keyLost`, and as `KeyFile.update`.
   */
  async protect(passphrase: Buffer): Promise<void> {
    if (this.isProtected) {
      await this.#sealed.file.protect(passphrase);
      return;
    }
    const needed = this.#neededKeys();
    if (needed === undefined) {
      await this.#begin(passphrase);
      return;
    }
    const { vaultId, keyIds } = needed;
    const keys = await this.#all(this.#storage, vaultId, keyIds);
    try {
      await this.#sealed.file.create(keys, passphrase);
      await this.#sealed.store.keepGeneration(vaultId, await this.#storage.generation(vaultId));
      (await this.#all(this.#sealed.store, vaultId, keyIds)).forEach((key) => key.fill(0));
      await this.#storage.retire(vaultId, undefined);
    } finally {
      for (const key of keys) key.fill(0);
    }
  }

  /** Moves the keys back into the secret storage. @throws SecretsError `passphraseNeeded`, `passphraseWrong`, `keyNotKept`, and as the head of the vault is read. */
  async unprotect(): Promise<void> {
    await this.prepare();
    const needed = this.#neededKeys();
    if (needed === undefined) {
      await this.#sealed.remove();
      return;
    }
    const { vaultId, keyIds } = needed;
    const keys = await this.#all(this.#sealed.store, vaultId, keyIds);
    for (const key of keys) (await this.#storage.adopt(vaultId, key)).fill(0);
    await this.#storage.keepGeneration(vaultId, await this.#sealed.store.generation(vaultId));
    await this.#sealed.remove();
  }

  async get(vaultId: string, keyId: string): Promise<Buffer | undefined> {
    return this.#store.get(vaultId, keyId);
  }

  async create(vaultId: string): Promise<Buffer> {
    return this.#store.create(vaultId);
  }

  async successor(vaultId: string, keyId: string): Promise<Buffer> {
    return this.#store.successor(vaultId, keyId);
  }

  /** A file that only this vault uses need not be opened to be destroyed: so a forgotten passphrase does not keep it. */
  async retire(vaultId: string, keyId: string | undefined): Promise<void> {
    if (keyId === undefined && this.isProtected) await this.#sealed.remove();
    else await this.#store.retire(vaultId, keyId);
  }

  async generation(vaultId: string): Promise<number> {
    return this.#store.generation(vaultId);
  }

  async keepGeneration(vaultId: string, generation: number): Promise<void> {
    await this.#store.keepGeneration(vaultId, generation);
  }

  forget(): void {
    this.#sealed.store.forget();
  }

  async #begin(passphrase: Buffer): Promise<void> {
    const key = newRootKey();
    try {
      await this.#sealed.file.create([key], passphrase);
    } finally {
      key.fill(0);
    }
  }

  get #store(): KeyStore {
    return this.isProtected ? this.#sealed.store : this.#storage;
  }

  async #all(store: KeyStore, vaultId: string, keyIds: readonly string[]): Promise<Buffer[]> {
    const keys: Buffer[] = [];
    for (const keyId of keyIds) {
      const key = await store.get(vaultId, keyId);
      if (key === undefined) throw new SecretsError('keyLost', {});
      keys.push(key);
    }
    return keys;
  }
}
