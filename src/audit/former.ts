import { closeSync, existsSync, renameSync } from 'node:fs';
import { headPath } from './head';
import { forward } from './lines';
import { openFile, segmentPaths } from './segments';

/** Where the record of version 0.1 is kept once there is a chain: `audit.former.jsonl`. It has no chain and is no part of one. */
export function formerPath(path: string): string {
  return path.replace(/(\.jsonl)?$/, '.former.jsonl');
}

/** Puts the record of version 0.1 aside, if that is all there is: lines without a number, and no head. @throws the system's error. */
export function putFormerAside(path: string): void {
  if (existsSync(headPath(path)) || existsSync(formerPath(path)) || segmentPaths(path).length > 0) return;
  const current = openFile(path);
  if (current === undefined) return;
  try {
    const [first] = forward(current.file, current.size);
    if (first !== undefined && isFormer(first.bytes)) renameSync(path, formerPath(path));
  } finally {
    closeSync(current.file);
  }
}

function isFormer(line: Uint8Array): boolean {
  try {
    const entry: unknown = JSON.parse(Buffer.from(line).toString());
    return typeof entry === 'object' && entry !== null && 'action' in entry && 'time' in entry && !('seq' in entry) && !('mac' in entry);
  } catch {
    return false;
  }
}
