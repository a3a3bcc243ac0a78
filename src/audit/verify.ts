import { lstatSync } from 'node:fs';
import { basename } from 'node:path';
import { setImmediate as breath } from 'node:timers/promises';
import { ChainCheck } from './chainCheck';
import type { TrailReport } from './chainCheck';
import { headPath, readHead } from './head';
import type { FoundHead } from './head';
import { KeyRing } from './keyRing';
import type { AuditKeys } from './keys';
import { underLock } from './lock';
import { parseLine } from './line';
import { forward } from './lines';
import { closeAll, openTrail } from './segments';
import type { TrailFile } from './segments';

/** Other work gets its turn after so many lines. */
const LINES_PER_TURN = 200;

/**
 * Checks a whole trail, line by line, letting other work go on. Writers wait only while its files are opened.
 * What it cannot see: a trail that was replaced, together with its head, by an earlier copy of both, or deleted whole.
 * @param path the file of the current part. @throws the system's error.
 */
export async function verifyTrail(path: string, keys: AuditKeys): Promise<TrailReport> {
  const ring = new KeyRing(keys);
  await ring.refresh();
  const { files, found } = await snapshot(path);
  try {
    if (found.state === 'found' && !ring.has(found.head.key)) await ring.fetch(found.head.key);
    return await check(files, basename(headPath(path)), found, ring);
  } finally {
    closeAll(files);
  }
}

async function check(files: readonly TrailFile[], headFile: string, found: FoundHead, ring: KeyRing): Promise<TrailReport> {
  const chain = new ChainCheck(found, headFile, ring);
  let count = 0;
  for (const part of files) {
    for (const raw of forward(part.file, part.size)) {
      if (++count % LINES_PER_TURN === 0) await breath();
      const line = parseLine(raw.bytes);
      if (line !== undefined && !ring.has(line.key)) await ring.fetch(line.key);
      chain.next(raw, line, basename(part.path), part === files.at(-1));
    }
  }
  return chain.finish();
}

/** The files and the head as they are at one moment. In a folder that cannot be written there are no writers to wait for. */
async function snapshot(path: string): Promise<{ files: TrailFile[]; found: FoundHead }> {
  const take = (): { files: TrailFile[]; found: FoundHead } => {
    const found = readHead(path);
    return { files: openTrail(path), found };
  };
  const isThere = [path, headPath(path)].some((file) => lstatSync(file, { throwIfNoEntry: false }) !== undefined);
  if (!isThere) return take();
  try {
    return await underLock(path, take);
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return take();
  }
}
