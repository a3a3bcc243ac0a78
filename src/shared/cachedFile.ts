import { readFileSync, statSync } from 'node:fs';
import { reasonOf, SecretsError } from './errors';

/** A text file that others write, read again only when it has changed. Cheap enough to ask at every call. */
export class CachedFile {
  readonly path: string;
  #seen: { stamp: string; text: string } | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * The text as it is now (UTF-8, without byte order mark); `undefined` if there is no file. The same string
   * object while the file has not changed. @throws SecretsError `storeFailed` if it cannot be read.
   */
  read(): string | undefined {
    try {
      const { ino, mtimeMs, size } = statSync(this.path);
      const stamp = `${String(ino)}-${String(mtimeMs)}-${String(size)}`;
      if (this.#seen?.stamp !== stamp) this.#seen = { stamp, text: readFileSync(this.path, 'utf8').replace(/^\uFEFF/, '') };
      return this.#seen.text;
    } catch (error) {
      this.#seen = undefined;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new SecretsError('storeFailed', { path: this.path, reason: reasonOf(error) });
    }
  }

  /** Makes the next `read` read. */
  forget(): void {
    this.#seen = undefined;
  }
}
