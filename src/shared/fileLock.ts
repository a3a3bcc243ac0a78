import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { SecretsError } from './errors';
import { lockfile } from './libraries';
import { folderIdentity, FutureLock, isAnothers, isTaken, lockFolder } from './lockFolder';
import { storeFailure } from './storeFailure';

/** A lock whose holder has shown no life for this long was left by a process that died. */
const STALE_MS = 5_000;
/** How long to wait for a lock: longer than a stale one lives. */
const PATIENCE_MS = 20_000;
const LONGEST_PAUSE_MS = 60;

/** A lock that this process has taken. */
export interface FileLock {
  /** False when another process took it over, which happens when this one stood still for seconds. */
  isHeld(): boolean;
  /** To be called right before what the lock is for. @throws SecretsError `storeBusy` unless `isHeld`. */
  confirm(): void;
}

/**
 * Acts while no other process has the lock of a file. The lock is the folder `<path>.lock`; the folder that
 * it is in is made when needed (0700).
 * @throws SecretsError `storeBusy`, `storeFailed` if the lock cannot be had, and whatever `act` throws.
 */
export async function withFileLock<T>(path: string, act: (held: FileLock) => T | Promise<T>): Promise<T> {
  const { held, release } = await take(path);
  try {
    return await act(held);
  } finally {
    await release();
  }
}

async function take(path: string): Promise<{ held: FileLock; release: () => Promise<void> }> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    let compromised = false;
    const folder = lockFolder(path);
    const future = new FutureLock(folder, STALE_MS);
    const release = await whenFree(
      path,
      () =>
        lockfile().lock(path, {
          realpath: false,
          stale: STALE_MS,
          onCompromised: () => {
            compromised = true;
          },
        }),
      () => future.look(performance.now()),
    );
    const own = folderIdentity(folder);
    // Looked at anew each time: this process may have stood still, and two that take over a stale lock can meet.
    const isHeld = (): boolean => !compromised && own !== undefined && folderIdentity(folder) === own;
    const confirm = (): void => {
      if (!isHeld()) throw new SecretsError('storeBusy', { path });
    };
    // A lock that another process took over is not ours to release. One that cannot be looked at for a moment is: renewed as long as we live, it would never be free.
    const done = (): Promise<void> => (isAnothers(folder, own) ? Promise.resolve() : release().catch(() => undefined));
    return { held: { isHeld, confirm }, release: done };
  } catch (error) {
    if (isTaken(error, path)) throw new SecretsError('storeBusy', { path });
    throw storeFailure(path, error);
  }
}

/**
 * Tries again while another process has the lock. A folder that cannot be written is no reason to wait.
 * @param look is called each time that the lock is found taken.
 */
async function whenFree<T>(path: string, attempt: () => Promise<T>, look: () => void): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (let pause = 3; ; pause = Math.min(pause * 1.1, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTaken(error, path) || performance.now() > end) throw error;
      look();
      await setTimeout(pause * (1 + Math.random()));
    }
  }
}
