import { rmSync } from 'node:fs';
import type { KeyRing } from './keyRing';
import { parseEntry, parseLine } from './line';
import type { ChainEnd } from './line';
import { backward } from './lines';
import { isSealed } from './sealedLine';
import { closeAll, openTrail } from './segments';

/** Parts of a trail that are older than they need to be kept. */
export interface Expired {
  readonly paths: readonly string[];
  /** The last line of the newest of them. */
  readonly end: ChainEnd;
}

/**
 * The full parts, from the oldest on, whose last entry is from before `cutoff` (ms since the epoch); `undefined` if there are
 * none. That entry must check: else setting back a time in the file would make us delete what shows the change.
 * @throws the system's error.
 */
export async function expiredParts(path: string, cutoff: number, ring: KeyRing): Promise<Expired | undefined> {
  const files = openTrail(path);
  try {
    const paths: string[] = [];
    let end: ChainEnd | undefined;
    for (const part of files.filter((file) => file.path !== path)) {
      const last = await lastLine(part.file, part.size, end?.mac, ring);
      if (last === undefined || !(last.time < cutoff)) break;
      paths.push(part.path);
      end = last.end;
    }
    return end && { paths, end };
  } finally {
    closeAll(files);
  }
}

/** Deletes parts. The trail must begin after them already. @throws the system's error. */
export function deleteParts({ paths }: Expired): void {
  for (const path of paths) rmSync(path, { force: true });
}

async function lastLine(
  file: number,
  size: number,
  previous: string | undefined,
  ring: KeyRing,
): Promise<{ end: ChainEnd; time: number } | undefined> {
  const [raw, before] = backward(file, size);
  const line = raw && parseLine(raw.bytes);
  if (raw === undefined || line === undefined) return undefined;
  if (!ring.has(line.key)) await ring.fetch(line.key);
  const tiedTo = before === undefined ? (line.seq === 1 ? '' : previous) : parseLine(before.bytes)?.mac;
  if (tiedTo === undefined || !ring.canCheck(line.key) || !isSealed(line, tiedTo, ring.get(line.key))) return undefined;
  return { end: { seq: line.seq, mac: line.mac }, time: Date.parse(parseEntry(raw.bytes)?.time ?? '') };
}
