import { join } from 'node:path';
import { SecretsError } from '../shared/errors';
import { withFileLock } from '../shared/fileLock';
import type { KeyFile } from './keyFile';
import { KeyNotes } from './keyNotes';
import { fingerprintOf, newRootKey } from './keys';
import type { KeyStore } from './ports';

/** A vault that was given a key so long ago and is still not there, in ms, was being made by a process that died. */
const ABANDONED_MS = 86_400_000;

/** The keys that a vault needs. */
export interface NeededKeys {
  readonly vaultId: string;
  /** Fingerprints: see keys.ts. */
  readonly keyIds: readonly string[];
}

interface Options {
  readonly file: KeyFile;
  /** The folder in which generations are kept, and which vault was given which key last. */
  readonly folder: string;
  /** The keys that the vaults of this home need; `undefined` if that cannot be told, which means all. */
  readonly neededKeys: () => readonly NeededKeys[] | undefined;
  /** The folders of the vaults that are in use. What was moved aside keeps the keys that there are, but waits for none. */
  readonly vaultsInUse: () => readonly string[];
  /** Vaults elsewhere may use the file too, so a key is never removed from it. */
  readonly shared?: boolean;
}

/** Root keys in a file, the newest for all new vaults: each vault derives its own keys from it. */
export class FileKeyStore implements KeyStore {
  readonly #options: Options;
  readonly #generations: KeyNotes;
  /** The key that each vault was given last: needed even before the vault says so. Changed under the lock of the key file. */
  readonly #given: KeyNotes;

  constructor(options: Options) {
    this.#options = options;
    this.#generations = new KeyNotes(join(options.folder, 'generations'));
    this.#given = new KeyNotes(join(options.folder, 'given-keys'));
  }

  get(vaultId: string, keyId: string): Promise<Buffer | undefined> {
    return this.#options.file.read((keys) => copyOf(keys.find((key) => fingerprintOf(key, vaultId) === keyId)));
  }

  async create(vaultId: string): Promise<Buffer> {
    // A key file that is shared may be one that nobody here can write, and needs no note.
    const present = this.#options.shared === true ? await this.#options.file.read(([newest]) => copyOf(newest)) : undefined;
    if (present !== undefined) return present;
    const { file, vaultsInUse } = this.#options;
    return file.update(([newest]) => {
      // A new key must not take the place that a lost one has to come back to.
      const folders = newest === undefined ? vaultsInUse() : [];
      if (folders.length > 0) throw new SecretsError('keyNeeded', { path: file.path, folders });
      const key = newest ?? newRootKey();
      return { ...(newest === undefined ? { keys: [key] } : {}), value: this.#give(vaultId, key) };
    });
  }

  /** The newest key, if that is another one: begun earlier, or by another vault. */
  async successor(vaultId: string, keyId: string): Promise<Buffer> {
    return this.#options.file.update((keys) => {
      const [newest] = keys;
      if (newest === undefined) throw new SecretsError('keyLost', {});
      if (fingerprintOf(newest, vaultId) !== keyId) return { value: this.#give(vaultId, newest) };
      const key = newRootKey();
      return { keys: [key, ...keys], value: this.#give(vaultId, key) };
    });
  }

  async retire(vaultId: string, keyId: string | undefined): Promise<void> {
    if (keyId === undefined) this.#generations.delete(vaultId);
    if (this.#options.shared === true) return;
    await this.#options.file.update((keys) => {
      this.#given.delete(vaultId);
      const needed = this.#options.neededKeys();
      if (needed === undefined) return { value: undefined };
      this.#given.prune(new Set(needed.map((vault) => vault.vaultId)), ABANDONED_MS);
      const given = this.#given.all().map((note) => ({ vaultId: note.vaultId, keyIds: [note.text] }));
      const own = { vaultId, keyIds: keyId === undefined ? [] : [keyId] };
      const vaults = [own, ...given, ...needed];
      const left = keys.filter((key) => vaults.some((vault) => vault.keyIds.includes(fingerprintOf(key, vault.vaultId))));
      return { ...(left.length < keys.length ? { keys: left } : {}), value: undefined };
    });
  }

  /** Puts a key into the file that was kept elsewhere, in front of others, unless it is there. @param key is not changed. */
  async adopt(vaultId: string, key: Buffer): Promise<void> {
    await this.#options.file.update((keys) => {
      this.#give(vaultId, key).fill(0);
      return { ...(keys.some((one) => one.equals(key)) ? {} : { keys: [Buffer.from(key), ...keys] }), value: undefined };
    });
  }

  generation(vaultId: string): Promise<number> {
    return new Promise((resolve) => {
      resolve(numberIn(this.#generations.get(vaultId)));
    });
  }

  async keepGeneration(vaultId: string, generation: number): Promise<void> {
    await withFileLock(this.#generations.pathOf(vaultId), (held) => {
      if (generation <= numberIn(this.#generations.get(vaultId))) return;
      this.#generations.set(vaultId, String(generation), () => held.confirm());
    });
  }

  forget(): void {
    this.#options.file.forget();
  }

  /** Notes that a vault is given a key, before it is. */
  #give(vaultId: string, key: Buffer): Buffer {
    this.#given.set(vaultId, fingerprintOf(key, vaultId));
    return Buffer.from(key);
  }
}

function copyOf(key: Buffer | undefined): Buffer | undefined {
  return key && Buffer.from(key);
}

/** 0 for what is not there or not a number: that proves nothing, but stops nothing either. */
function numberIn(text: string | undefined): number {
  const number = Number(text ?? '0');
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}
