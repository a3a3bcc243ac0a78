import { readFileSync, statSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { dirname } from 'node:path';
import { SecretsError } from './errors';
import { refuseIfOpen } from './privacy';
import { storeFailure } from './storeFailure';

/** How old a look at a file may be where every call asks, in ms: a look costs more than most of what a call does with it. */
const GLANCE_MS = 5;

/** The files that calls have asked for since they were last looked at ahead. */
let glanced: CachedFile[] = [];

/** Looks at the files that calls ask for, so that the next call, if it comes soon, need not: for when there is nothing else to do. */
export function lookAhead(): void {
  const now = performance.now();
  const files = glanced;
  glanced = [];
  for (const file of files) file.lookAhead(now);
}

/** A text file that others write, read again only when it has changed. Cheap enough to ask at every call. */
export class CachedFile {
  readonly path: string;
  readonly #own: boolean;
  readonly #maxBytes: number;
  #folderIsOwn = false;
  #seen: { stats: BigIntStats; text: string } | undefined;
  /** When the file was last looked at, on a clock that nobody sets. */
  #lookedAt = -Infinity;
  #isGlanced = false;

  /**
   * @param own the file and its folder must be this user's alone. @param maxBytes a larger file, or one that is no ordinary file and may have
   * no end, is not read.
   */
  constructor(path: string, { own = false, maxBytes = Infinity } = {}) {
    this.path = path;
    this.#own = own;
    this.#maxBytes = maxBytes;
  }

  /**
   * The text as it is now (UTF-8, without byte order mark); `undefined` if there is no file. The same string
   * object while the file has not changed. @throws SecretsError `storeFailed` if it cannot be read, `tooOpen`.
   * @param mayBeLate what others have written in the last 5 ms need not be in it.
   */
  read(mayBeLate = false): string | undefined {
    const now = performance.now();
    if (mayBeLate && !this.#isGlanced) {
      this.#isGlanced = true;
      glanced.push(this);
    }
    if (mayBeLate && now - this.#lookedAt < GLANCE_MS) return this.#seen?.text;
    const text = this.#look();
    this.#lookedAt = now;
    return text;
  }

  /** Looks, unless that was just now. What is wrong is left to be found by the next `read`. @param now as `performance.now()`. */
  lookAhead(now: number): void {
    this.#isGlanced = false;
    if (now - this.#lookedAt < GLANCE_MS / 2) return;
    try {
      this.#look();
      this.#lookedAt = now;
    } catch {
      this.#lookedAt = -Infinity;
    }
  }

  /** Makes the next `read` read. */
  forget(): void {
    this.#seen = undefined;
    this.#lookedAt = -Infinity;
  }

  #look(): string | undefined {
    this.#lookedAt = -Infinity;
    try {
      // Many of these files are not there, and an exception costs more than all the rest.
      const stats = statSync(this.path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) {
        this.#seen = undefined;
        return undefined;
      }
      if (this.#seen !== undefined && isSame(this.#seen.stats, stats)) return this.#seen.text;
      if (this.#own) {
        refuseIfOpen(this.path, stats);
        if (!this.#folderIsOwn) refuseIfOpen(dirname(this.path));
        this.#folderIsOwn = true;
      }
      if (this.#maxBytes < Infinity) refuseIfEndless(this.path, stats, this.#maxBytes);
      const text = readFileSync(this.path, 'utf8').replace(/^\uFEFF/, '');
      this.#seen = { stats, text };
      return text;
    } catch (error) {
      this.#seen = undefined;
      // Where a folder of the path is a file there is none either; since Node 22 `throwIfNoEntry` has it so.
      if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return undefined;
      throw storeFailure(this.path, error);
    }
  }
}

function refuseIfEndless(path: string, stats: BigIntStats, maxBytes: number): void {
  if (!stats.isFile() && !stats.isDirectory()) throw new SecretsError('storeFailed', { path, reason: 'it is no ordinary file' });
  if (stats.size > maxBytes) throw new SecretsError('storeFailed', { path, reason: `it is larger than ${String(maxBytes >> 10)} KiB` });
}

/** Nanoseconds and the time of the last change of any kind: two writes of one size within a tick differ. */
function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.ino === b.ino && a.size === b.size;
}
