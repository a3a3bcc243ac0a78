import { lstatSync } from 'node:fs';
import { parseLine } from './line';
import type { ChainedEntry } from './line';
import { parseTrailLine } from './reader';
import type { TrailLine } from './reader';
import { newestFirst, segmentPaths, withTrail } from './segments';

/** The newest entries of a trail, read again only when it has changed. What cannot be read has no entries. */
export class RecentEntries {
  readonly #path: string;
  readonly #count: number;
  #seen: { readonly stamp: string; readonly entries: readonly ChainedEntry[] } | undefined;

  /** @param count how many, at most. */
  constructor(path: string, count: number) {
    this.#path = path;
    this.#count = count;
  }

  /** Oldest first. The same array while nothing has changed. Reads the end of the trail only. */
  read(): readonly ChainedEntry[] {
    try {
      const stamp = stampOf(this.#path);
      if (this.#seen?.stamp !== stamp) this.#seen = { stamp, entries: newestLines(this.#path, this.#count).map(({ entry }) => entry) };
      return this.#seen.entries;
    } catch {
      return [];
    }
  }
}

/**
 * The newest entries of a trail, oldest first; lines that are no entries are passed over.
 * @param count how many at most. @param after leaves out entries up to this number. @throws the system's error.
 */
export function newestLines(path: string, count: number, after = 0): TrailLine[] {
  return withTrail(path, (files) => {
    const lines: TrailLine[] = [];
    for (const { bytes, whole } of newestFirst(files)) {
      if (lines.length >= count) break;
      const line = whole ? parseTrailLine(bytes) : undefined;
      if (line === undefined) continue;
      if (line.entry.seq <= after) break;
      lines.push(line);
    }
    return lines.reverse();
  });
}

/** The number of the newest entry of a trail as it is at this moment, not checked; 0 if it has none. @throws the system's error. */
export function newestSeq(path: string): number {
  return withTrail(path, (files) => {
    for (const { bytes, whole } of newestFirst(files)) {
      const line = whole ? parseLine(bytes) : undefined;
      if (line !== undefined) return line.seq;
    }
    return 0;
  });
}

function stampOf(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return JSON.stringify([stat?.ino, stat?.size, stat?.mtimeMs, segmentPaths(path).at(-1)]);
}
