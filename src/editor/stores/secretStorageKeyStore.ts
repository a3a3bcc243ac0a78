import type { SecretStorage } from 'vscode';
import { isSecretsError, reasonOf, SecretsError } from '../../shared/errors';
import { storeFailure } from '../../shared/storeFailure';
import { fingerprintOf, newRootKey, ROOT_KEY_BYTES } from '../../vault/keys';
import type { KeyStore } from '../../vault/ports';

/** What the names of root keys in the secret storage start with. */
export const ROOT_KEY_PREFIX = 'rootKey/';

/** What is used of the secret storage. */
type Secrets = Pick<SecretStorage, 'get' | 'store' | 'delete'>;

const PLACE = "VS Code's secret storage";

/**
 * Keeps root keys in VS Code's secret storage, which encrypts them with a key of the operating system:
 * `rootKey/<vault>/<key>` each, and in `keyIds/<vault>` which there are, newest first. Version 0.1 had one, `rootKey/<vault>`.
 * Windows share the storage and it has no lock: `create`, `successor` and `retire` are for who has the lock of the vault.
 */
export class SecretStorageKeyStore implements KeyStore {
  readonly #secrets: Secrets;
  #lastKept: Promise<unknown> = Promise.resolve();

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  async get(vaultId: string, keyId: string): Promise<Buffer | undefined> {
    const key = await this.#key(nameOf(vaultId, keyId));
    if (key !== undefined) return key;
    const former = await this.#key(ROOT_KEY_PREFIX + vaultId);
    if (former === undefined || fingerprintOf(former, vaultId) === keyId) return former;
    former.fill(0);
    return undefined;
  }

  create(vaultId: string): Promise<Buffer> {
    return this.adopt(vaultId, newRootKey());
  }

  async successor(vaultId: string, keyId: string): Promise<Buffer> {
    const [newest] = await this.#keyIds(vaultId);
    const begun = newest === undefined || newest === keyId ? undefined : await this.get(vaultId, newest);
    return begun ?? this.adopt(vaultId, newRootKey(), keyId);
  }

  async retire(vaultId: string, keyId: string | undefined): Promise<void> {
    for (const id of await this.#keyIds(vaultId)) if (id !== keyId) await this.#delete(nameOf(vaultId, id));
    const former = await this.#key(ROOT_KEY_PREFIX + vaultId).catch(() => undefined);
    if (former !== undefined && fingerprintOf(former, vaultId) !== keyId) await this.#delete(ROOT_KEY_PREFIX + vaultId);
    former?.fill(0);
    if (keyId !== undefined) await this.#store(`keyIds/${vaultId}`, keyId);
    else for (const kind of ['keyIds', 'generation']) await this.#delete(`${kind}/${vaultId}`);
  }

  /**
   * Keeps a key that was made elsewhere as the newest of a vault. Reads it back: a key that was not kept would make everything
   * sealed under it worthless. @returns `key`. @throws SecretsError `keyNotKept`; then `key` is overwritten.
   */
  async adopt(vaultId: string, key: Buffer, ...former: string[]): Promise<Buffer> {
    try {
      const keyId = fingerprintOf(key, vaultId);
      const known = [...(await this.#keyIds(vaultId)), ...former];
      // Its name first: what there is can then be found and removed, whatever happens in between.
      await this.#secrets.store(`keyIds/${vaultId}`, [...new Set([keyId, ...known])].join(' '));
      await this.#secrets.store(nameOf(vaultId, keyId), key.toString('base64'));
      const kept = await this.get(vaultId, keyId);
      const isKept = kept?.equals(key) === true;
      kept?.fill(0);
      if (!isKept) throw new SecretsError('keyNotKept', { reason: 'it was gone again at once' });
      return key;
    } catch (error) {
      key.fill(0);
      throw isSecretsError(error, 'keyNotKept') ? error : new SecretsError('keyNotKept', { reason: reasonOf(error) });
    }
  }

  async generation(vaultId: string): Promise<number> {
    const generation = Number(await this.#text(`generation/${vaultId}`));
    return Number.isSafeInteger(generation) && generation > 0 ? generation : 0;
  }

  /** One after the other, so that of two the higher one stays. */
  keepGeneration(vaultId: string, generation: number): Promise<void> {
    const turn = this.#lastKept.then(async () => {
      if (generation > (await this.generation(vaultId))) await this.#store(`generation/${vaultId}`, String(generation));
    });
    this.#lastKept = turn.catch(() => undefined);
    return turn;
  }

  /** Nothing is kept in memory. */
  forget(): void {
    return;
  }

  async #keyIds(vaultId: string): Promise<string[]> {
    return ((await this.#text(`keyIds/${vaultId}`)) ?? '').split(' ').filter((id) => /^[0-9a-f]{32}$/.test(id));
  }

  async #key(name: string): Promise<Buffer | undefined> {
    const text = await this.#text(name);
    if (text === undefined) return undefined;
    const key = Buffer.from(text, 'base64');
    if (key.length === ROOT_KEY_BYTES) return key;
    key.fill(0);
    throw new SecretsError('keyInvalid', { path: PLACE, why: `it does not have ${String(ROOT_KEY_BYTES)} bytes` });
  }

  async #text(name: string): Promise<string | undefined> {
    try {
      return await this.#secrets.get(name);
    } catch (error) {
      throw storeFailure(PLACE, error);
    }
  }

  async #store(name: string, text: string): Promise<void> {
    try {
      await this.#secrets.store(name, text);
    } catch (error) {
      throw storeFailure(PLACE, error);
    }
  }

  async #delete(name: string): Promise<void> {
    try {
      await this.#secrets.delete(name);
    } catch (error) {
      throw storeFailure(PLACE, error);
    }
  }
}

function nameOf(vaultId: string, keyId: string): string {
  return `${ROOT_KEY_PREFIX}${vaultId}/${keyId}`;
}
