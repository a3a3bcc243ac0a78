import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { refuseIfOpen } from './privacy';
import { storeFailure } from './storeFailure';

/** A text file that others write, read again only when it has changed. Cheap enough to ask at every call. */
export class CachedFile {
  readonly path: string;
  readonly #own: boolean;
  #folderIsOwn = false;
  #seen: { stamp: string; text: string } | undefined;

  /** @param own the file and its folder must be this user's alone. */
  constructor(path: string, { own = false } = {}) {
    this.path = path;
    this.#own = own;
  }

  /**
   * The text as it is now (UTF-8, without byte order mark); `undefined` if there is no file. The same string
   * object while the file has not changed. @throws SecretsError `storeFailed` if it cannot be read, `tooOpen`.
   */
  read(): string | undefined {
    try {
      const stats = statSync(this.path, { bigint: true });
      // Nanoseconds and the time of the last change of any kind: two writes of one size within a tick differ.
      const stamp = `${String(stats.ino)}-${String(stats.mtimeNs)}-${String(stats.ctimeNs)}-${String(stats.size)}`;
      if (this.#seen?.stamp === stamp) return this.#seen.text;
      if (this.#own) {
        refuseIfOpen(this.path, stats);
        if (!this.#folderIsOwn) refuseIfOpen(dirname(this.path));
        this.#folderIsOwn = true;
      }
      const text = readFileSync(this.path, 'utf8').replace(/^\uFEFF/, '');
      this.#seen = { stamp, text };
      return text;
    } catch (error) {
      this.#seen = undefined;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw storeFailure(this.path, error);
    }
  }

  /** Makes the next `read` read. */
  forget(): void {
    this.#seen = undefined;
  }
}
