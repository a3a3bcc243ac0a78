import { mkdirSync, statSync } from 'node:fs';
import type { BigIntStats, Stats } from 'node:fs';
import { SecretsError } from './errors';

/** The permissions of everybody but the owner. */
const OTHERS = 0o077;

/**
 * Refuses a file or folder that others can read or change, or that belongs to another user.
 * On Windows, where a user's folders are private by inheritance, there are no such permissions to look at.
 * @param stats of `path`, where they are known. @throws SecretsError `tooOpen`, or the system's error.
 */
export function refuseIfOpen(path: string, stats: Stats | BigIntStats = statSync(path)): void {
  if (process.platform === 'win32') return;
  const permissions = Number(stats.mode) & 0o777;
  const mode = permissions.toString(8).padStart(4, '0');
  if ((permissions & OTHERS) !== 0) {
    throw new SecretsError('tooOpen', { path, mode, fix: `chmod ${stats.isDirectory() ? '700' : '600'} ${shellWord(path)}` });
  }
  const owner = Number(stats.uid);
  if (owner !== process.getuid?.()) {
    throw new SecretsError('tooOpen', { path, mode: `${mode}, of user ${String(owner)}`, fix: `chown "$(id -u)" ${shellWord(path)}` });
  }
}

/** Makes a folder for this user alone, with the folders above it, unless it is there. @throws as `refuseIfOpen`. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  refuseIfOpen(path);
}

/** A path as one word of a shell. */
function shellWord(path: string): string {
  return /^[\w./@%+:,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
