import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { removeTemporaries, writeFileAtomic } from '../shared/atomicFile';
import { storeFailure } from '../shared/storeFailure';

const VAULT_ID = /^[a-z0-9]{1,64}$/;

/** A line of text per vault, in a file each (0600). Nothing of it is secret. Methods throw SecretsError `storeFailed`. */
export class KeyNotes {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The path of a vault's note. The id of a vault can come from a file that somebody has changed. */
  pathOf(vaultId: string): string {
    if (!VAULT_ID.test(vaultId)) throw new TypeError('This cannot be the id of a vault.');
    return join(this.#folder, vaultId);
  }

  get(vaultId: string): string | undefined {
    const path = this.pathOf(vaultId);
    return this.#unlessMissing(path, () => readFileSync(path, 'latin1').trim());
  }

  all(): { vaultId: string; text: string }[] {
    const names = this.#unlessMissing(this.#folder, () => readdirSync(this.#folder)) ?? [];
    return names.filter((name) => VAULT_ID.test(name)).map((vaultId) => ({ vaultId, text: this.get(vaultId) ?? '' }));
  }

  /** For who holds the lock of the note. @param confirm is called right before it happens; if it throws, nothing changes. */
  set(vaultId: string, text: string, confirm?: () => void): void {
    const path = this.pathOf(vaultId);
    this.#unlessMissing(path, () => {
      writeFileAtomic(path, `${text}\n`, confirm && { confirm });
      removeTemporaries(path);
    });
  }

  delete(vaultId: string): void {
    const path = this.pathOf(vaultId);
    this.#unlessMissing(path, () => {
      rmSync(path, { force: true });
    });
  }

  /** Removes what is older than `ageMs` and is not about one of these vaults. For who holds the lock of all notes. */
  prune(vaultIds: ReadonlySet<string>, ageMs: number): void {
    for (const name of this.#unlessMissing(this.#folder, () => readdirSync(this.#folder)) ?? []) {
      const path = join(this.#folder, name);
      this.#unlessMissing(path, () => {
        if (!vaultIds.has(name) && statSync(path).mtimeMs < Date.now() - ageMs) rmSync(path, { force: true });
      });
    }
  }

  #unlessMissing<T>(path: string, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw storeFailure(path, error);
    }
  }
}
