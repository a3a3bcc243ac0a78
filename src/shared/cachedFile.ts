import { readFileSync, statSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { dirname } from 'node:path';
import { SecretsError } from './errors';
import { refuseIfOpen } from './privacy';
import { storeFailure } from './storeFailure';

/** How old a look at a file may be where every call asks, in ms: a look costs more than most of what a call does with it. */
const GLANCE_MS = 5;
/** Of two changes so far apart the later one has a later stamp: systems stamp with a time that they renew every 1 to 16 ms. */
const TICK_MS = 50;
/** The same where stamps are whole seconds, or two: FAT, some network drives. */
const COARSE_TICK_MS = 2_100;

/** The files that calls have asked for since they were last looked at ahead. */
let glanced: CachedFile[] = [];

/** Looks at the files that calls ask for, so that the next call, if it comes soon, need not: for when there is nothing else to do. */
export function lookAhead(): void {
  const now = performance.now();
  const files = glanced;
  glanced = [];
  for (const file of files) file.lookAhead(now);
}

/** A file as last looked at. */
interface Seen {
  readonly stats: BigIntStats;
  readonly text: string;
  /** When these stamps were first seen, as `performance.now()`. */
  readonly since: number;
  /** Whether every change after the text was read shows in the stamps. */
  readonly isSettled: boolean;
}

/** A text file that others write, read again only when it has changed. Cheap enough to ask at every call. */
export class CachedFile {
  readonly path: string;
  readonly #own: boolean;
  readonly #maxBytes: number;
  #folderIsOwn = false;
  #seen: Seen | undefined;
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
      const before = this.#seen;
      const same = before !== undefined && isSame(before.stats, stats) ? before : undefined;
      if (same?.isSettled === true) return same.text;
      if (this.#own) {
        refuseIfOpen(this.path, stats);
        if (!this.#folderIsOwn) refuseIfOpen(dirname(this.path));
        this.#folderIsOwn = true;
      }
      if (this.#maxBytes < Infinity) refuseIfEndless(this.path, stats, this.#maxBytes);
      // After the stamps were looked at and before the text is: so the span from `since` on is never shorter than it seems.
      const now = performance.now();
      const since = same?.since ?? now;
      const read = readFileSync(this.path, 'utf8').replace(/^\uFEFF/, '');
      const text = before?.text === read ? before.text : read;
      this.#seen = { stats, text, since, isSettled: now - since >= tickOf(stats) };
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

/**
 * Nanoseconds, and the time of the last change of any kind. Two changes within one tick of the system can have the same:
 * that two looks are the same proves nothing until the tick is over.
 */
function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.ino === b.ino && a.size === b.size;
}

/**
 * For how long after these stamps were first seen a change may leave them as they are. It is counted from there and not from
 * the stamps, since the clock of a network drive can be off, and any clock can be set.
 */
function tickOf({ ctimeNs, mtimeNs }: BigIntStats): number {
  return isWholeSecond(ctimeNs) && isWholeSecond(mtimeNs) ? COARSE_TICK_MS : TICK_MS;
}

function isWholeSecond(ns: bigint): boolean {
  return ns % 1_000_000_000n === 0n;
}
