import type { Clock } from '../shared/clock';
import { Emitter } from '../shared/disposable';
import type { Disposable } from '../shared/disposable';
import { reasonOf } from '../shared/errors';
import type { Logger } from '../shared/logger';
import type { AuditEntry, AuditSink } from './entry';
import { KeyRing } from './keyRing';
import type { AuditKeys } from './keys';
import { underLock, underLockSync } from './lock';
import type { Confirm } from './lock';
import { RecentEntries } from './recentEntries';
import { deleteParts, expiredParts } from './retention';
import { TrailWriter } from './trailWriter';

/** How many of the newest entries are kept at hand for views. */
const RECENT = 500;
/** Entries of calls wait this long for company: one write for many calls, off the path of the call itself. */
const FLUSH_MS = 50;
/** When there was a write within the last second, they wait longer: taking and giving back the lock costs more than the lines. */
const BUSY_FLUSH_MS = 250;
const BUSY_MS = 1_000;
/** The head follows the lines at most this late: replacing a file costs more than all the rest. */
const SEAL_MS = 1_000;
/** After a failure. */
const RETRY_MS = 5_000;
/** One turn under the lock writes at most so many, so that it stays short. */
const BATCH = 1_000;
/** While the files cannot be written, the newest so many entries are kept to be written later. */
const MAX_PENDING = 20_000;
/** How long `dispose` waits for other writers. */
const PATIENCE_MS = 1_000;
const DAY_MS = 86_400_000;
const MAX_BYTES = 5 * 1024 * 1024;
const KEEP_DAYS = 400;

/** What an audit log is made from. */
export interface AuditLogParts {
  /** The file of the current part, `….jsonl`. It and its folder are made (0600, 0700) with the first entry. */
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keys: AuditKeys;
  /** A part that is larger is put aside for a new one. Default 5 MiB. Asked anew each time. */
  readonly maxBytes?: () => number;
  /** Whole parts older than so many days are deleted; 0 keeps all. Default 400. Asked anew each time. */
  readonly keepDays?: () => number;
}

/**
 * The append-only record, shared by all processes and windows of a workspace. Entries are written in the background, in order;
 * `close` (or `dispose`, which does not wait) writes what is left. Files that cannot be written are reported once to the logger
 * and never fail a call.
 */
export class AuditLog implements AuditSink, Disposable {
  readonly path: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #keepDays: () => number;
  readonly #ring: KeyRing;
  readonly #writer: TrailWriter;
  readonly #written: RecentEntries;
  readonly #added = new Emitter<AuditEntry>();
  /** Fires for each new entry of this process. */
  readonly onDidAdd = this.#added.event;
  #pending: AuditEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #asked: Promise<void> | undefined;
  #turn: Promise<void> = Promise.resolve();
  #turns = 0;
  #failed = false;
  #lost = 0;
  #prunedAt = -Infinity;
  #sealedAt = -Infinity;
  #wroteAt = -Infinity;
  /** Seals what was written after the last seal. */
  #sealTimer: NodeJS.Timeout | undefined;

  constructor({ path, clock, logger, keys, maxBytes = () => MAX_BYTES, keepDays = () => KEEP_DAYS }: AuditLogParts) {
    this.path = path;
    this.#clock = clock;
    this.#logger = logger;
    this.#keepDays = keepDays;
    this.#ring = new KeyRing(keys);
    this.#writer = new TrailWriter(path, this.#ring, maxBytes);
    this.#written = new RecentEntries(path, RECENT);
  }

  record(entry: Omit<AuditEntry, 'time'> & { readonly time?: string }): void {
    // In time for `dispose`, which cannot wait for a key.
    this.#asked ??= this.#ring.refresh();
    const whole = isTimed(entry) ? entry : { time: new Date(this.#clock.now()).toISOString(), ...entry };
    this.#pending.push(whole);
    if (this.#pending.length > MAX_PENDING) {
      this.#pending.shift();
      this.#lost += 1;
    }
    this.#schedule(this.#failed ? RETRY_MS : isOfCall(entry) ? this.#patience() : 0);
    this.#added.fire(whole);
  }

  /** The newest entries of all processes, oldest first, at most 500; reads the end of the trail if it has changed. */
  recent(): readonly AuditEntry[] {
    return [...this.#written.read(), ...this.#pending].slice(-RECENT);
  }

  /** Waits until everything recorded so far is in the trail and its head, or could not be written. */
  async flush(): Promise<void> {
    this.#sealedAt = -Infinity;
    await this.#take();
  }

  /** A turn of writing; turns follow each other. */
  async #take(): Promise<void> {
    // This turn writes all that there is: a later one of its own would only keep `dispose` from writing.
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#turns += 1;
    this.#turn = this.#turn.then(() => this.#write());
    await this.#turn;
    this.#turns -= 1;
  }

  /** Writes what is left and lets go. */
  async close(): Promise<void> {
    await this.flush();
    this.dispose();
  }

  /** As `close`, for who cannot wait. What another process's turn keeps from being written now is written after it. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#added.dispose();
    const unsealed = this.#sealTimer !== undefined;
    this.#sealedAt = -Infinity;
    if (this.#pending.length === 0 && !unsealed) return;
    // A turn of our own holds the lock, or is about to: blocking would be waiting for ourselves.
    if (this.#turns > 0) {
      void this.flush();
      return;
    }
    try {
      underLockSync(this.path, PATIENCE_MS, (confirm) => {
        while (this.#pending.length > 0) {
          for (let missing = this.#append(confirm); missing !== undefined; missing = this.#append(confirm)) this.#ring.giveUp(missing);
        }
        this.#seal(confirm);
      });
    } catch (error) {
      this.#report(error);
      void this.flush();
    }
  }

  #patience(): number {
    return performance.now() - this.#wroteAt < BUSY_MS ? BUSY_FLUSH_MS : FLUSH_MS;
  }

  #schedule(ms: number): void {
    if (ms === 0) clearTimeout(this.#timer);
    else if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#take();
    }, ms).unref();
  }

  async #write(): Promise<void> {
    if (this.#pending.length === 0 && this.#sealTimer === undefined) return;
    try {
      await this.#ring.refresh();
      do {
        const missing = await underLock(this.path, (confirm) => this.#append(confirm) ?? this.#seal(confirm));
        if (missing !== undefined) await this.#ring.fetch(missing);
      } while (this.#pending.length > 0);
      await this.#prune();
      this.#recovered();
    } catch (error) {
      this.#report(error);
      this.#schedule(RETRY_MS);
    }
  }

  /** Writes one batch, under the lock. Returns the id of a key that is needed first. */
  #append(confirm: Confirm): string | undefined {
    const batch = this.#pending.slice(0, BATCH);
    if (batch.length === 0) return undefined;
    const result = this.#writer.append(batch, confirm);
    if ('needs' in result) return result.needs;
    this.#pending.splice(0, batch.length);
    this.#wroteAt = performance.now();
    if (result.rotated) this.#prunedAt = -Infinity;
    this.#sealTimer ??= setTimeout(() => void this.flush(), SEAL_MS).unref();
    return undefined;
  }

  /** Brings the head up to date, under the lock, unless that was done just now: then it is done a little later. */
  #seal(confirm: Confirm): undefined {
    const now = performance.now();
    if (now - this.#sealedAt < SEAL_MS) return;
    this.#writer.seal(confirm);
    // Not before: what fails is tried again.
    clearTimeout(this.#sealTimer);
    this.#sealTimer = undefined;
    this.#sealedAt = now;
  }

  /** Once a day, and whenever a part is full. */
  async #prune(): Promise<void> {
    const steady = this.#clock.steady();
    const days = this.#keepDays();
    if (steady - this.#prunedAt < DAY_MS || !(days > 0)) return;
    this.#prunedAt = steady;
    const expired = await expiredParts(this.path, this.#clock.now() - days * DAY_MS, this.#ring);
    if (expired === undefined) return;
    await underLock(this.path, (confirm) => {
      if (this.#writer.beginAfter(expired.end, confirm)) deleteParts(expired);
    });
  }

  #report(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#logger.error(
      `The audit file ${this.path} cannot be written (${reasonOf(error)}). Calls go on; what happens is written down when it can be.`,
    );
  }

  #recovered(): void {
    if (!this.#failed) return;
    const lost = this.#lost === 0 ? 'Nothing is missing.' : `${String(this.#lost)} entries are missing: there were too many.`;
    this.#logger.info(`The audit file ${this.path} can be written again. ${lost}`);
    this.#failed = false;
    this.#lost = 0;
  }
}

function isTimed(entry: Parameters<AuditSink['record']>[0]): entry is AuditEntry {
  return entry.time !== undefined;
}

/** There can be thousands of them in a second. Anything else is what a person did, and is written at once. */
function isOfCall({ action }: Pick<AuditEntry, 'action'>): boolean {
  return action === 'call' || action === 'request' || action === 'agent.refuse';
}
