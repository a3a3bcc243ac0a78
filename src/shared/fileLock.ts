import { mkdirSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { SecretsError } from './errors';
import { lockfile } from './libraries';
import { storeFailure } from './storeFailure';

/** A lock whose holder has shown no life for this long was left by a process that died. */
const STALE_MS = 5_000;
/** How long to wait for a lock: longer than a stale one lives. */
const PATIENCE_MS = 20_000;
const LONGEST_PAUSE_MS = 60;
/** A lock whose time is further ahead than this was made before the clock was set back. Coarse stamps are ahead by two seconds at most. */
const AHEAD_MS = 10_000;

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
    const release = await whenFree(
      () =>
        lockfile().lock(path, {
          realpath: false,
          stale: STALE_MS,
          onCompromised: () => {
            compromised = true;
          },
        }),
      watchOver(`${path}.lock`),
    );
    const own = identityOf(`${path}.lock`);
    // Looked at anew each time: this process may have stood still, and two that take over a stale lock can meet.
    const isHeld = (): boolean => !compromised && own !== undefined && identityOf(`${path}.lock`) === own;
    const confirm = (): void => {
      if (!isHeld()) throw new SecretsError('storeBusy', { path });
    };
    // A lock that another process took over is not ours to release.
    return { held: { isHeld, confirm }, release: () => (isHeld() ? release().catch(() => undefined) : Promise.resolve()) };
  } catch (error) {
    if (isTaken(error)) throw new SecretsError('storeBusy', { path });
    throw storeFailure(path, error);
  }
}

/**
 * Tries again while another process has the lock. A folder that cannot be written is no reason to wait.
 * @param look is called each time that the lock is found taken.
 */
async function whenFree<T>(attempt: () => Promise<T>, look: () => void): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (let pause = 3; ; pause = Math.min(pause * 1.1, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTaken(error) || performance.now() > end) throw error;
      look();
      await setTimeout(pause * (1 + Math.random()));
    }
  }
}

/**
 * Looks after a lock that is taken, so that one of the future gets old, too: its owner died, then the clock was set back.
 * An owner that lives renews the time of its lock every few seconds, and gives the lock up where somebody else did. So only a lock
 * that stood still for as long as one without an owner does, on a clock that nobody sets, gets the time of now; if still
 * nobody renews it, it is stale some seconds later. Nothing is removed here: it could be the lock of who came first.
 */
function watchOver(folder: string): () => void {
  let seen: string | undefined;
  let since = 0;
  return () => {
    const state = stateIfAhead(folder);
    const now = performance.now();
    if (state !== seen) {
      seen = state;
      since = now;
    } else if (state !== undefined && now - since > STALE_MS) {
      renew(folder);
    }
  };
}

/** What tells a lock that is ahead of the time from the same one when its owner has renewed it; `undefined` for any other. */
function stateIfAhead(folder: string): string | undefined {
  try {
    const { ino, birthtimeNs, mtimeNs, mtimeMs } = statSync(folder, { bigint: true });
    return Number(mtimeMs) > Date.now() + AHEAD_MS ? [ino, birthtimeNs, mtimeNs].join('-') : undefined;
  } catch {
    return undefined;
  }
}

function renew(folder: string): void {
  try {
    const seconds = Date.now() / 1000;
    utimesSync(folder, seconds, seconds);
  } catch {
    // Gone, or not ours to change: then it stays taken, and the patience ends.
  }
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ELOCKED';
}

/** Tells a folder from another one that was made at the same place later. */
function identityOf(folder: string): string | undefined {
  try {
    const { ino, birthtimeNs } = statSync(folder, { bigint: true });
    return `${String(ino)}-${String(birthtimeNs)}`;
  } catch {
    return undefined;
  }
}
