import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockfile } from '../shared/libraries';
import { folderIdentity, FutureLock, isAnothers, isTaken, lockFolder } from '../shared/lockFolder';

/** A lock whose holder has shown no life for this long was left by a process that died. */
const STALE_MS = 5_000;
/** Longer than a stale lock lives. */
const PATIENCE_MS = 20_000;
/** Whether the lock was taken away is looked at where it matters: see `Confirm`. */
const OPTIONS = { realpath: false, stale: STALE_MS, onCompromised: () => undefined };

/**
 * To be called right before each change of a file: the machine may have slept, or somebody may have set its time, and another
 * process has taken us for dead. @throws ELOCKED if the lock is not ours any more; then nothing may be changed.
 */
export type Confirm = () => void;

/**
 * Does something to the trail while no other process does. `act` is synchronous: short, and never half done when it is
 * somebody else's turn. When `confirm` says that the lock is lost, `act` begins anew with the next lock: it must not do twice
 * what it has done. Makes the folder (0700). @throws the system's error, ELOCKED, and what `act` throws.
 */
export async function underLock<T>(path: string, act: (confirm: Confirm) => T): Promise<T> {
  makeFolder(path);
  const future = new FutureLock(lockFolder(path), STALE_MS);
  for (const end = performance.now() + PATIENCE_MS; ;) {
    try {
      const release = await lock(path);
      const { isOurs, confirm } = heldLock(path);
      try {
        return act(confirm);
      } finally {
        if (isOurs()) await release().catch(() => undefined);
      }
    } catch (error) {
      if (!isWorthAnotherTry(error, end)) throw error;
      future.look(performance.now());
      await sleep(3 + Math.random() * 20);
    }
  }
}

/** The same for who cannot wait: blocks the process, for at most `patienceMs`. */
export function underLockSync<T>(path: string, patienceMs: number, act: (confirm: Confirm) => T): T {
  makeFolder(path);
  for (const end = performance.now() + patienceMs; ;) {
    try {
      const release = lockSync(path);
      const { isOurs, confirm } = heldLock(path);
      try {
        return act(confirm);
      } finally {
        if (isOurs()) releaseSync(release);
      }
    } catch (error) {
      if (!isWorthAnotherTry(error, end)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

async function lock(path: string): Promise<() => Promise<void>> {
  try {
    return await lockfile().lock(path, OPTIONS);
  } catch (error) {
    throw asTaken(error, path);
  }
}

function lockSync(path: string): () => void {
  try {
    return lockfile().lockSync(path, OPTIONS);
  } catch (error) {
    throw asTaken(error, path);
  }
}

/**
 * The lock that this process has just taken. One that another process has taken over is not ours to release; one that cannot be looked
 * at for a moment is: renewed as long as this process lives, it would never be free.
 */
function heldLock(path: string): { readonly isOurs: () => boolean; readonly confirm: Confirm } {
  const folder = lockFolder(path);
  const own = folderIdentity(folder);
  const isOurs = (): boolean => !isAnothers(folder, own);
  const confirm = (): void => {
    if (own === undefined || folderIdentity(folder) !== own) throw lockedError(`the lock of ${path} was taken away`);
  };
  return { isOurs, confirm };
}

/** What was taken away meanwhile is released already. */
function releaseSync(release: () => void): void {
  try {
    release();
  } catch {
    // As with the other one.
  }
}

/** Only while somebody else holds the lock: a full or read-only disk stays so. @param end by a clock that nobody sets. */
function isWorthAnotherTry(error: unknown, end: number): boolean {
  return (error as NodeJS.ErrnoException).code === 'ELOCKED' && performance.now() < end;
}

/** Why a lock could not be had: ELOCKED whenever it is somebody else's. */
function asTaken(error: unknown, path: string): unknown {
  return isTaken(error, path) ? lockedError(`the lock of ${path} is taken`) : error;
}

function lockedError(message: string): Error {
  return Object.assign(new Error(message), { code: 'ELOCKED' });
}

function makeFolder(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
}
