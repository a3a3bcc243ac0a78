import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, promises as fs } from 'node:fs';
import { join } from 'node:path';
import { lockfile } from '../../shared/libraries';
import { Spool } from './spool';

/** A process that has not touched its lock for this long is dead. */
const STALE_MS = 10_000;
const RUN = /^\d+-[0-9a-f]{16}$/;

/** A spool that this process holds the lock of. */
export interface HeldSpool {
  readonly spool: Spool;
  /** Whether it belongs to somebody else by now: the machine slept, and another process took us for dead. */
  readonly lost: () => boolean;
  /** Gives it back: deleted if everything in it is delivered, else for the next process that comes. */
  release(): Promise<void>;
}

/**
 * The spools of one receiver: a folder per process, `<pid>-<random>`, each with a lock beside it. A process appends to
 * its own only; what a dead one has left is delivered by one that lives.
 */
export class SpoolFolder {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #onDrop: (lines: number) => void;
  readonly #held = new Set<string>();

  /** @param label of the receiver: who streams to another one later does not get what was meant for this one. */
  constructor(parent: string, label: string, maxBytes: number, onDrop: (lines: number) => void) {
    this.#folder = join(parent, createHash('sha256').update(label).digest('hex').slice(0, 16));
    this.#maxBytes = maxBytes;
    this.#onDrop = onDrop;
  }

  /** A new spool for this process. @returns its name too, which no other has. Throws the system's error. */
  create(): HeldSpool & { readonly run: string } {
    const run = `${String(process.pid)}-${randomBytes(8).toString('hex')}`;
    const folder = join(this.#folder, run);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    let lost = false;
    // The lock is there before the folder: nobody can take it for one that was left.
    const release = lockfile().lockSync(folder, { realpath: false, stale: STALE_MS, onCompromised: () => (lost = true) });
    try {
      const spool = Spool.create(folder, this.#maxBytes, this.#onDrop);
      this.#held.add(run);
      const unlock = async (): Promise<void> => {
        await Promise.resolve();
        release();
      };
      return { run, ...this.#hold(run, spool, () => lost, unlock) };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** The spools that dead processes have left, now ours. Those that cannot be had or read are left for another time. */
  async adopt(): Promise<HeldSpool[]> {
    const names = await fs.readdir(this.#folder).catch(() => []);
    const adopted: HeldSpool[] = [];
    for (const run of names.filter((name) => RUN.test(name) && !this.#held.has(name))) {
      const spool = await this.#take(run).catch(() => undefined);
      if (spool !== undefined) adopted.push(spool);
    }
    return adopted;
  }

  async #take(run: string): Promise<HeldSpool> {
    const folder = join(this.#folder, run);
    let lost = false;
    const release = await lockfile().lock(folder, { realpath: false, stale: STALE_MS, onCompromised: () => (lost = true) });
    try {
      const spool = await Spool.open(folder, this.#maxBytes, this.#onDrop);
      this.#held.add(run);
      return this.#hold(run, spool, () => lost, release);
    } catch (error) {
      await release().catch(() => undefined);
      throw error;
    }
  }

  #hold(run: string, spool: Spool, lost: () => boolean, unlock: () => Promise<void>): HeldSpool {
    return {
      spool,
      lost,
      release: async () => {
        this.#held.delete(run);
        if (lost()) {
          spool.close();
          return;
        }
        if (spool.waiting === 0) spool.remove();
        else spool.close();
        await unlock().catch(() => undefined);
      },
    };
  }
}
