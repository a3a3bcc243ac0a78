import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, promises as fs } from 'node:fs';
import { join } from 'node:path';
import { lockfile } from '../../shared/libraries';
import { folderIdentity, lockFolder } from '../../shared/lockFolder';
import { Spool } from './spool';

/** A process that has not touched its lock for this long is dead. */
const STALE_MS = 10_000;
const RUN = /^\d+-[0-9a-f]{16}$/;

/** A spool that this process holds the lock of. */
export interface HeldSpool {
  readonly spool: Spool;
  /**
   * Whether it belongs to somebody else by now: the machine slept, or its time was set, and another process took us for dead. To be
   * asked right before each change.
   */
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
    // The lock is there before the folder: nobody can take it for one that was left.
    const watch = new LossWatch(folder);
    const release = lockfile().lockSync(folder, watch.options);
    try {
      const lost = watch.begin();
      const spool = Spool.create(folder, this.#maxBytes, this.#onDrop);
      this.#held.add(run);
      const unlock = async (): Promise<void> => {
        await Promise.resolve();
        release();
      };
      return { run, ...this.#hold(run, spool, lost, unlock) };
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
    const watch = new LossWatch(folder);
    const release = await lockfile().lock(folder, watch.options);
    try {
      const lost = watch.begin();
      const spool = await Spool.open(folder, this.#maxBytes, this.#onDrop);
      this.#held.add(run);
      return this.#hold(run, spool, lost, release);
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
        // Whoever was taken for dead may have added to it until they noticed.
        const isDone = spool.waiting === 0 && !lost() && (await isDelivered(spool));
        if (isDone && !lost()) spool.remove();
        else spool.close();
        // A lock that another process took over is not ours to release.
        if (!lost()) await unlock().catch(() => undefined);
      },
    };
  }
}

/** Tells whether the lock of a spool is still ours. */
class LossWatch {
  readonly #folder: string;
  #compromised = false;
  /** To take the lock with. */
  readonly options = { realpath: false, stale: STALE_MS, onCompromised: () => (this.#compromised = true) };

  /** @param spool the folder that the lock is for. */
  constructor(spool: string) {
    this.#folder = lockFolder(spool);
  }

  /** To be called when the lock is taken. @returns what tells whether it was lost since. @throws Error if that cannot be told. */
  begin(): () => boolean {
    const own = folderIdentity(this.#folder);
    if (own === undefined) throw new Error(`The lock ${this.#folder} cannot be looked at.`);
    // Looked at anew each time: `onCompromised` comes seconds later than another process can.
    return () => this.#compromised || folderIdentity(this.#folder) !== own;
  }
}

/** Whether everything that is in a spool's files is delivered. What cannot be read stays. */
async function isDelivered(spool: Spool): Promise<boolean> {
  try {
    await spool.refresh();
    return spool.waiting === 0;
  } catch {
    return false;
  }
}
