import { readFileSync, rmSync, statSync } from 'node:fs';
import { removeTemporaries, writeFileAtomic } from '../shared/atomicFile';
import { isSecretsError, reasonOf, SecretsError } from '../shared/errors';
import { withFileLock } from '../shared/fileLock';
import type { FileLock } from '../shared/fileLock';
import { refuseIfOpen } from '../shared/privacy';
import { storeFailure } from '../shared/storeFailure';
import { ROOT_KEY_BYTES } from './keys';
import { isMadeFor, looksWrapped, newWrappingKey, parseWrapped, unwrap, wrap, wrappingKeyOf } from './passphrase';
import type { WrappingKey } from './passphrase';

/**
 * Asks for the passphrase of a key file: the one that it has, or one for a file that is to be made. The caller overwrites it.
 * @throws SecretsError `passphraseNeeded` if nobody can be asked.
 */
export type AskPassphrase = (which: 'present' | 'new') => Promise<Buffer>;

/** What a key file holds, newest key first, and what it is sealed under, if it is. */
interface Content {
  readonly keys: readonly Buffer[];
  readonly wrappingKey: WrappingKey | undefined;
}

/**
 * A file with root keys (0600): one a line as base64, newest first, or the same sealed under a passphrase (see
 * passphrase.ts). What the passphrase was made into stays in memory until `forget`.
 */
export class KeyFile {
  readonly path: string;
  readonly #ask: AskPassphrase;
  readonly #alwaysSealed: boolean;
  /** A promise, so that nobody is asked twice at a time, and that nothing is kept after `forget`. */
  #wrappingKey: Promise<WrappingKey> | undefined;

  /** @param alwaysSealed there must be a passphrase: a new file gets one at once. */
  constructor(path: string, ask: AskPassphrase, alwaysSealed = false) {
    this.path = path;
    this.#ask = ask;
    this.#alwaysSealed = alwaysSealed;
  }

  /**
   * What `use` makes of the keys, newest first, which are overwritten when it returns. No keys if there is no file.
   * @throws SecretsError `keyInvalid`, `tooOpen`, `passphraseNeeded`, `passphraseWrong`.
   */
  async read<T>(use: (keys: readonly Buffer[]) => T): Promise<T> {
    const { keys } = await this.#open(this.#text());
    try {
      return use(keys);
    } finally {
      overwrite(keys);
    }
  }

  /**
   * Replaces the keys by those that `change` returns, if it returns any list, while nobody else can. All are overwritten
   * when it is done. Without keys there is no file. @returns the `value` that `change` returns.
   * @throws SecretsError as `read`, `storeFailed`, `storeBusy`, and what `change` throws.
   */
  async update<T>(change: (keys: readonly Buffer[]) => { keys?: readonly Buffer[]; value: T }): Promise<T> {
    return this.#exclusively(({ keys, wrappingKey }, held) => {
      const { keys: next, value } = change(keys);
      if (next === undefined) return value;
      try {
        this.#write({ keys: next, wrappingKey }, held);
        return value;
      } finally {
        overwrite(next);
      }
    });
  }

  /** Whether it takes a passphrase to open the file. @throws SecretsError `keyInvalid`, `tooOpen`. */
  isProtected(): boolean {
    return looksWrapped(this.#text() ?? '');
  }

  /**
   * Seals the file under another passphrase, or under none. @param passphrase is not changed.
   * @throws SecretsError as `update`, `keyLost` if there is no file.
   */
  async protect(passphrase: Buffer | undefined): Promise<void> {
    const wrappingKey = passphrase && (await newWrappingKey(passphrase));
    await this.#exclusively(({ keys }, held) => {
      if (keys.length === 0) throw new SecretsError('keyLost', {});
      this.#write({ keys, wrappingKey }, held);
      this.#wrappingKey = wrappingKey && Promise.resolve(wrappingKey);
    });
  }

  /**
   * Makes the file with these keys, newest first, under a passphrase. Neither is changed.
   * @throws SecretsError `storeFailed` also if there is a file already.
   */
  async create(keys: readonly Buffer[], passphrase: Buffer): Promise<void> {
    const wrappingKey = await newWrappingKey(passphrase);
    await withFileLock(this.path, (held) => {
      if (this.#text() !== undefined) throw new SecretsError('storeFailed', { path: this.path, reason: 'EEXIST' });
      this.#write({ keys, wrappingKey }, held);
      this.#wrappingKey = Promise.resolve(wrappingKey);
      return Promise.resolve();
    });
  }

  /** Removes the file, if it is there. @throws SecretsError `storeFailed`, `storeBusy`. */
  async remove(): Promise<void> {
    await withFileLock(this.path, (held) => {
      this.#write({ keys: [], wrappingKey: undefined }, held);
      this.forget();
      return Promise.resolve();
    });
  }

  /** Drops from memory what the passphrase was made into. */
  forget(): void {
    this.#wrappingKey = undefined;
  }

  async #exclusively<T>(act: (content: Content, held: FileLock) => T): Promise<T> {
    // People take their time: they are asked before others have to wait for the lock.
    overwrite((await this.#open(this.#text(), true)).keys);
    return withFileLock(this.path, async (held) => {
      const content = await this.#open(this.#text(), true);
      try {
        return act(content, held);
      } finally {
        overwrite(content.keys);
      }
    });
  }

  /** The file as text; `undefined` if there is none. */
  #text(): string | undefined {
    try {
      const stats = statSync(this.path);
      if (stats.isDirectory()) throw this.#invalid('it is a folder');
      refuseIfOpen(this.path, stats);
      return readFileSync(this.path, 'latin1');
    } catch (error) {
      if (isSecretsError(error)) throw error;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw this.#invalid(`it cannot be read (${reasonOf(error)})`);
    }
  }

  async #open(text: string | undefined, toWrite = false): Promise<Content> {
    if (text === undefined) {
      const wrappingKey = toWrite && this.#alwaysSealed ? await (this.#wrappingKey ??= this.#asked('new', newWrappingKey)) : undefined;
      return { keys: [], wrappingKey };
    }
    if (looksWrapped(text)) return this.#unwrap(text);
    if (this.#alwaysSealed) throw this.#invalid('it is not sealed under a passphrase');
    return { keys: this.#parse(text), wrappingKey: undefined };
  }

  async #unwrap(text: string): Promise<Content> {
    const wrapped = parseWrapped(text);
    if (wrapped === undefined) throw this.#invalid('it is not a key that was sealed under a passphrase by this version');
    const known = this.#wrappingKey && (await this.#wrappingKey.catch(() => undefined));
    const wrappingKey =
      known !== undefined && isMadeFor(known, wrapped)
        ? known
        : await (this.#wrappingKey = this.#asked('present', (passphrase) => wrappingKeyOf(wrapped, passphrase)));
    const lines = unwrap(wrapped, wrappingKey);
    if (lines === undefined) {
      this.#wrappingKey = undefined;
      throw new SecretsError('passphraseWrong', {});
    }
    try {
      return { keys: this.#parse(lines.toString('latin1')), wrappingKey };
    } finally {
      lines.fill(0);
    }
  }

  async #asked(which: 'present' | 'new', make: (passphrase: Buffer) => Promise<WrappingKey>): Promise<WrappingKey> {
    const passphrase = await this.#ask(which);
    return make(passphrase).finally(() => passphrase.fill(0));
  }

  #parse(text: string): Buffer[] {
    const lines = text.trim().split(/\r?\n/);
    if (lines.some((line) => !/^[A-Za-z0-9+/]{43}=$/.test(line))) {
      throw this.#invalid(`it does not hold ${String(ROOT_KEY_BYTES)} bytes as base64`);
    }
    return lines.map((line) => Buffer.from(line, 'base64'));
  }

  #write({ keys, wrappingKey }: Content, held: FileLock): void {
    const lines = Buffer.from(keys.map((key) => `${key.toString('base64')}\n`).join(''));
    try {
      const content = wrappingKey === undefined ? lines : `${wrap(lines, wrappingKey)}\n`;
      if (keys.length > 0) writeFileAtomic(this.path, content, { confirm: () => held.confirm() });
      else rmSync(this.path, { force: true });
      removeTemporaries(this.path);
    } catch (error) {
      throw storeFailure(this.path, error);
    } finally {
      lines.fill(0);
    }
  }

  #invalid(why: string): SecretsError {
    return new SecretsError('keyInvalid', { path: this.path, why });
  }
}

function overwrite(keys: readonly Buffer[]): void {
  for (const key of keys) key.fill(0);
}
