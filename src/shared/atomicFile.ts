import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

const TEMPORARY_ENDING = '.tmp';
/** What is added to the name of a file for the state before its last change. */
export const PREVIOUS_ENDING = '.previous';

interface Options {
  /** File and folder get the permissions that the umask gives, not 0600 and 0700. */
  readonly shared?: boolean;
  /** The file gets exactly these permissions. */
  readonly mode?: number;
  /** The file as it was before stays as `<path>.previous`. */
  readonly keepPrevious?: boolean;
  /** Called when all is ready, right before the new file takes its place. If it throws, nothing changes. */
  readonly confirm?: () => void;
}

/**
 * Writes a file whole or not at all: a temporary file beside it, fsync, rename, fsync of the folder. There is no
 * moment without the file. A folder that is there stays as it is, one that is not is made.
 * Throws the system's error, or that of `confirm`; then the old file is untouched.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, options: Options = {}): void {
  const { shared = false, mode, keepPrevious = false, confirm } = options;
  mkdirSync(dirname(path), { recursive: true, mode: shared ? 0o777 : 0o700 });
  const next = temporaryName(path);
  let before: string | undefined;
  try {
    writeNew(next, content, mode ?? (shared ? 0o666 : 0o600));
    // The umask may have taken something away.
    if (mode !== undefined) chmodSync(next, mode);
    if (keepPrevious) before = secondName(path);
    confirm?.();
    renameSync(next, path);
  } catch (error) {
    remove(next);
    if (before !== undefined) remove(before);
    throw error;
  }
  if (before !== undefined) putInPlace(before, `${path}${PREVIOUS_ENDING}`);
  syncFolder(dirname(path));
}

/** Removes the temporary files that writers of a file have left when they died. Only for who holds its lock. Throws the system's error. */
export function removeTemporaries(path: string): void {
  const [folder, start] = [dirname(path), `${basename(path)}.`];
  for (const name of readdirSync(folder)) {
    if (name.startsWith(start) && name.endsWith(TEMPORARY_ENDING)) remove(join(folder, name));
  }
}

/** Makes what was made, renamed or removed in a folder last through a power cut. Windows cannot, and needs no such thing. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Gives a file a second name, or copies it where a file can have only one. */
export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
    copyFileSync(from, to);
  }
}

function temporaryName(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}${TEMPORARY_ENDING}`;
}

/** Writes a file that is not there yet, through to the disk. Throws the system's error, `EEXIST` if it is there. */
export function writeNew(path: string, content: string | Uint8Array, mode: number): void {
  const file = openSync(path, 'wx', mode);
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A further, temporary name of a file; `undefined` if there is no file. */
function secondName(path: string): string | undefined {
  const name = temporaryName(path);
  try {
    linkOrCopy(path, name);
    return name;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    remove(name);
    throw error;
  }
}

/** The file is written already: that its predecessor could not be kept is no failure. */
function putInPlace(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch {
    // Said above.
  }
  // A rename onto another name of the same file leaves both.
  remove(temporary);
}

function remove(path: string): void {
  rmSync(path, { force: true });
}
