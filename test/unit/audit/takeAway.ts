import { mkdirSync, renameSync, rmdirSync } from 'node:fs';

/**
 * Takes the lock of a file away, as another process does that takes its owner for dead. Both folders are there for a moment, so that
 * no file system can give the new one the number of the old one.
 * @returns what gives it back.
 */
export function takeAway(path: string): () => void {
  const [lock, next] = [`${path}.lock`, `${path}.next`];
  mkdirSync(next);
  rmdirSync(lock);
  renameSync(next, lock);
  return () => {
    rmdirSync(lock);
  };
}
