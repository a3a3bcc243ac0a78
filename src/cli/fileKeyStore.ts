import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reasonOf, SecretsError } from '../shared/errors';
import { ROOT_KEY_BYTES } from '../vault/keys';
import type { KeyStore } from '../vault/ports';

/** The root key of all headless vaults of a user in one file (0600, base64). Each vault derives its own keys from it. */
export class FileKeyStore implements KeyStore {
  readonly #path: string;
  readonly #workspaces: string;

  /** @param path the key file. @param workspaces the folder with one folder per vault, to see whether a lost key is needed. */
  constructor(path: string, workspaces: string) {
    this.#path = path;
    this.#workspaces = workspaces;
  }

  get(): Promise<Buffer | undefined> {
    let text: string;
    try {
      const { mode } = statSync(this.#path);
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw this.#invalid(`others may read it; run "chmod 600 ${this.#path}"`);
      text = readFileSync(this.#path, 'latin1').trim();
    } catch (error) {
      if (error instanceof SecretsError) return Promise.reject(error);
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Promise.resolve(undefined);
      return Promise.reject(this.#invalid(`it cannot be read (${reasonOf(error)})`));
    }
    const key = Buffer.from(text, 'base64');
    if (key.length === ROOT_KEY_BYTES && /^[A-Za-z0-9+/]{43}=$/.test(text)) return Promise.resolve(key);
    key.fill(0);
    return Promise.reject(this.#invalid(`it does not hold ${String(ROOT_KEY_BYTES)} bytes as base64`));
  }

  set(_vaultId: string, key: Buffer): Promise<void> {
    try {
      if (this.#othersNeedKey()) throw new SecretsError('keyLost', {});
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      // "wx": a key that another process has made in the meantime stays.
      const file = openSync(this.#path, 'wx', 0o600);
      try {
        writeSync(file, `${key.toString('base64')}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return Promise.resolve();
    } catch (error) {
      if (error instanceof SecretsError) return Promise.reject(error);
      return Promise.reject(new SecretsError('storeFailed', { path: this.#path, reason: reasonOf(error) }));
    }
  }

  /** A new key must not take the place that a lost one has to come back to. */
  #othersNeedKey(): boolean {
    if (!existsSync(this.#workspaces)) return false;
    return readdirSync(this.#workspaces).some((name) => existsSync(join(this.#workspaces, name, 'vault.json')));
  }

  #invalid(why: string): SecretsError {
    return new SecretsError('keyInvalid', { path: this.#path, why });
  }
}
