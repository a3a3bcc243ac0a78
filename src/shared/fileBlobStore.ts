import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { lock } from 'proper-lockfile';
import { writeFileAtomic } from './atomicFile';
import type { BlobStore } from './blobStore';
import { CachedFile } from './cachedFile';
import { reasonOf, SecretsError } from './errors';

/** A lock whose holder has shown no life for this long was left by a process that died. */
const STALE_MS = 5_000;
/** About 20 s in all: longer than a stale lock lives. */
const RETRIES = { retries: 400, factor: 1.1, minTimeout: 3, maxTimeout: 60, randomize: true };

/** A document in a file (mode 0600), written atomically under a lock that other processes respect. */
export class FileBlobStore implements BlobStore {
  readonly path: string;
  readonly #file: CachedFile;

  constructor(path: string) {
    this.path = path;
    this.#file = new CachedFile(path);
  }

  read(): string | undefined {
    return this.#file.read();
  }

  async update(change: (current: string | undefined) => Promise<string | undefined>): Promise<void> {
    const held = await this.#lock();
    try {
      this.#file.forget();
      const next = await change(this.read());
      if (next === undefined) return;
      if (held.lost()) throw new SecretsError('storeBusy', { path: this.path });
      this.#write(next);
    } finally {
      await held.release();
    }
  }

  #write(text: string): void {
    try {
      this.#file.forget();
      writeFileAtomic(this.path, text);
    } catch (error) {
      throw new SecretsError('storeFailed', { path: this.path, reason: reasonOf(error) });
    }
  }

  async #lock(): Promise<{ lost: () => boolean; release: () => Promise<void> }> {
    let lost = false;
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      const release = await lock(this.path, {
        realpath: false,
        stale: STALE_MS,
        retries: RETRIES,
        onCompromised: () => {
          lost = true;
        },
      });
      // A lock that another process took over as stale is no longer ours to release.
      return { lost: () => lost, release: () => release().catch(() => undefined) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ELOCKED') throw new SecretsError('storeBusy', { path: this.path });
      throw new SecretsError('storeFailed', { path: this.path, reason: reasonOf(error) });
    }
  }
}
