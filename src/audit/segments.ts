import { closeSync, constants, fchmodSync, fstatSync, openSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { backward } from './lines';
import type { RawLine } from './lines';

// A link, or a pipe that nobody writes to, must neither lead elsewhere nor hold us up. Windows has neither flag.
const SAFELY = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** One file of a trail, open. Whoever opens it closes it. */
export interface TrailFile {
  readonly path: string;
  /** File descriptor. */
  readonly file: number;
  /** Bytes, at the moment of opening. */
  readonly size: number;
  readonly inode: number;
}

/** Where the part of a trail that begins with the entry `seq` is kept once it is full: `audit-000000000001.jsonl`. */
export function segmentPath(path: string, seq: number): string {
  return join(dirname(path), `${stem(path)}-${String(seq).padStart(12, '0')}.jsonl`);
}

/** The full parts of the trail, oldest first. None if the folder is not there. @throws the system's error. */
export function segmentPaths(path: string): string[] {
  const prefix = `${stem(path)}-`;
  const isSegment = (name: string): boolean => name.startsWith(prefix) && /^\d{12,16}\.jsonl$/.test(name.slice(prefix.length));
  try {
    const found = readdirSync(dirname(path), { withFileTypes: true }).filter((entry) => entry.isFile());
    const names = found.map(({ name }) => name).filter(isSegment);
    return names.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).map((name) => join(dirname(path), name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Opens a file of a trail to read it; `undefined` if it is not there. @throws as `openForAppending`. */
export function openFile(path: string): TrailFile | undefined {
  try {
    return opened(path, constants.O_RDONLY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Opens a file of a trail to add to it; makes it if it is not there, and this user's alone if it is not (0600).
 * Links are not followed. @throws the system's error; ENOTSUP for what is not a regular file.
 */
export function openForAppending(path: string): TrailFile {
  return opened(path, constants.O_RDWR | constants.O_CREAT);
}

function opened(path: string, flags: number): TrailFile {
  const file = openSync(path, flags | SAFELY, 0o600);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw Object.assign(new Error('not a regular file'), { code: 'ENOTSUP' });
    if ((flags & constants.O_CREAT) !== 0 && process.platform !== 'win32') fchmodSync(file, 0o600);
    return { path, file, size: stat.size, inode: stat.ino };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Hands the open files of a trail, oldest first, to `use`, and closes them. @throws the system's error, and what `use` throws. */
export function withTrail<T>(path: string, use: (files: readonly TrailFile[]) => T): T {
  const files = openTrail(path);
  try {
    return use(files);
  } finally {
    closeAll(files);
  }
}

/** Opens a trail as it is at this moment, oldest part first, whatever other processes do to it. @throws the system's error. */
export function openTrail(path: string): TrailFile[] {
  // The current part first: if it is put aside meanwhile, it comes twice, not never.
  const current = openFile(path);
  const files: TrailFile[] = [];
  try {
    for (const segment of segmentPaths(path)) {
      const file = openFile(segment);
      if (file === undefined) continue;
      if (file.inode === current?.inode) closeSync(file.file);
      else files.push(file);
    }
  } catch (error) {
    closeAll(current === undefined ? files : [...files, current]);
    throw error;
  }
  return current === undefined ? files : [...files, current];
}

/** Closes what `openTrail` has opened. */
export function closeAll(files: readonly TrailFile[]): void {
  for (const { file } of files) closeSync(file);
}

/** The lines of a trail, newest first. Reads as it goes. */
export function* newestFirst(files: readonly TrailFile[]): Generator<RawLine & { readonly path: string }> {
  for (const { path, file, size } of [...files].reverse()) {
    for (const line of backward(file, size)) yield { ...line, path };
  }
}

function stem(path: string): string {
  return basename(path, '.jsonl');
}
