import { existsSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';

/** A lock whose time is further ahead was made before the clock was set back. One that is not gets old while one waits for it. Coarse stamps are 2 s ahead at most. */
const AHEAD_MS = 10_000;

/** The folder that is the lock of a file, as `proper-lockfile` names it. */
export function lockFolder(path: string): string {
  return `${path}.lock`;
}

/** Tells a folder from another one that is made at the same place later. `undefined` if it cannot be looked at. */
export function folderIdentity(folder: string): string | undefined {
  try {
    const { ino, birthtimeNs } = statSync(folder, { bigint: true });
    return `${String(ino)}-${String(birthtimeNs)}`;
  } catch {
    return undefined;
  }
}

/**
 * Whether a lock that could not be had is somebody else's. So is one that is gone in the moment in which it was taken: another process
 * took it for the stale one that both of them saw. @param path of the file that the lock is for.
 */
export function isTaken(error: unknown, path: string): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ELOCKED' || (code === 'ENOENT' && existsSync(dirname(path)));
}

/** Whether a lock is another one than that which was taken. One that cannot be looked at is not known to be. @param own as `folderIdentity` had it. */
export function isAnothers(folder: string, own: string | undefined): boolean {
  const now = folderIdentity(folder);
  return now !== undefined && own !== undefined && now !== own;
}

/**
 * Looks after a lock that is taken and would never be stale: its owner died, then somebody set the time back. By its time it is
 * from the future. An owner that lives shows it, by a new time or by its end, and gives the lock up where somebody else did; so only a lock
 * that does neither gets the time of now, and is stale some seconds later. Nothing is removed here: it could be the lock of who came first.
 */
export class FutureLock {
  readonly #folder: string;
  readonly #stillMs: number;
  #seen: string | undefined;
  #since = 0;

  /** @param stillMs how long a lock must have stayed as it is: longer than it takes an owner to renew it. */
  constructor(folder: string, stillMs: number) {
    this.#folder = folder;
    this.#stillMs = stillMs;
  }

  /**
   * To be called each time that the lock is found taken. Never throws: whoever tries to take the lock hears why it cannot be had.
   * @param steady ms by a clock that only goes on.
   */
  look(steady: number): void {
    const look = futureLook(this.#folder);
    if (look === this.#seen) {
      if (look !== undefined && steady - this.#since >= this.#stillMs) renew(this.#folder);
      return;
    }
    this.#seen = look;
    this.#since = steady;
  }
}

/** What would change if the owner of a lock from the future lived. `undefined` for any other lock. */
function futureLook(folder: string): string | undefined {
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
    // Gone, or not ours to change.
  }
}
