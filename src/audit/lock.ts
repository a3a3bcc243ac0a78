import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockfile } from '../shared/libraries';

/** A lock whose holder has shown no life for this long was left by a process that died. */
const STALE_MS = 5_000;
/** Longer than a stale lock lives. */
const PATIENCE_MS = 20_000;
/** What is done under the lock is done before anybody else has a turn, so it cannot be taken away meanwhile. */
const OPTIONS = { realpath: false, stale: STALE_MS, onCompromised: () => undefined };

/**
 * Does something to the trail while no other process does. `act` is synchronous: short, and never half done when it is
 * somebody else's turn. Makes the folder (0700). @throws the system's error, ELOCKED, and what `act` throws.
 */
export async function underLock<T>(path: string, act: () => T): Promise<T> {
  makeFolder(path);
  const release = await acquire(path);
  try {
    return act();
  } finally {
    await release().catch(() => undefined);
  }
}

/** The same for who cannot wait: blocks the process, for at most `patienceMs`. */
export function underLockSync<T>(path: string, patienceMs: number, act: () => T): T {
  makeFolder(path);
  const release = acquireSync(path, Date.now() + patienceMs);
  try {
    return act();
  } finally {
    release();
  }
}

/** Tries again only while somebody else holds the lock: a full or read-only disk stays so. */
async function acquire(path: string): Promise<() => Promise<void>> {
  for (const end = Date.now() + PATIENCE_MS; ;) {
    try {
      return await lockfile().lock(path, OPTIONS);
    } catch (error) {
      if (!isLocked(error) || Date.now() >= end) throw error;
      await sleep(3 + Math.random() * 20);
    }
  }
}

function acquireSync(path: string, end: number): () => void {
  for (;;) {
    try {
      return lockfile().lockSync(path, OPTIONS);
    } catch (error) {
      if (!isLocked(error) || Date.now() >= end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function isLocked(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ELOCKED';
}

function makeFolder(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
}
