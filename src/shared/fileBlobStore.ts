import { dirname } from 'node:path';
import { removeTemporaries, writeFileAtomic } from './atomicFile';
import type { BlobStore } from './blobStore';
import { CachedFile } from './cachedFile';
import { withFileLock } from './fileLock';
import { makePrivateFolder } from './privacy';
import { storeFailure } from './storeFailure';

/**
 * A document in a file, written atomically under a lock that other processes respect. The file (0600) and its folder
 * (0700) must be this user's alone, else everything is refused with `tooOpen`. The document before stays as `<path>.previous`.
 */
export class FileBlobStore implements BlobStore {
  readonly path: string;
  readonly #file: CachedFile;

  constructor(path: string) {
    this.path = path;
    this.#file = new CachedFile(path, { own: true });
  }

  read(mayBeLate = false): string | undefined {
    return this.#file.read(mayBeLate);
  }

  async update(change: (current: string | undefined) => Promise<string | undefined>): Promise<void> {
    this.#try(() => makePrivateFolder(dirname(this.path)));
    await withFileLock(this.path, async (held) => {
      this.#file.forget();
      const next = await change(this.read());
      if (next === undefined) return;
      this.#file.forget();
      this.#try(() => {
        writeFileAtomic(this.path, next, { keepPrevious: true, confirm: () => held.confirm() });
        removeTemporaries(this.path);
      });
    });
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      throw storeFailure(this.path, error);
    }
  }
}
