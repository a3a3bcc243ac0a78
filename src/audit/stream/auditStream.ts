import type { Logger } from '../../shared/logger';
import { reasonOf } from '../../shared/errors';
import type { AuditEntry } from '../entry';
import { DeliveryError } from './delivery';
import type { Receipt, Sender } from './delivery';
import { Pause } from './pause';
import type { StreamRecord } from './record';
import type { HeldSpool, SpoolFolder } from './spoolFolder';

/** How many records are delivered together, at most. */
const BATCH = 500;
/** A record waits this long for company. */
const LINGER_MS = 100;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 60_000;
/** How often what dead processes have left is looked for. Longer than it takes to tell that one is dead. */
const ADOPT_MS = 12_000;
/** How often dropped entries are logged, at most. */
const REPORT_MS = 60_000;
/** How long the delivery of one batch may take. */
const SEND_MS = 30_000;
/** How long `close` waits for the last deliveries. */
const CLOSE_MS = 2_000;

/** How a stream can be otherwise. */
export interface AuditStreamOptions {
  /** How long `close` waits for the last deliveries, in ms: 2 s if it is not said. */
  readonly closeMs?: number;
}

/** How it goes with one receiver. */
export interface StreamStatus {
  /** The receiver's address. */
  readonly target: string;
  /** How many entries wait to be delivered. */
  readonly waiting: number;
  /** How many entries were given up by this process: no room on disk, or the receiver did not want them. */
  readonly dropped: number;
  /** Why the last try to deliver failed, if it did. */
  readonly problem: string | undefined;
}

/**
 * Brings entries to one receiver, in the background: what is pushed is on disk when `push` returns, and is taken from
 * there, batch by batch, until the receiver has it. Nothing that fails here reaches the caller; it is logged once.
 */
export class AuditStream {
  readonly #label: string;
  readonly #sender: Sender;
  readonly #folder: SpoolFolder;
  readonly #logger: Logger;
  readonly #closeMs: number;
  readonly #pause = new Pause();
  readonly #running: Promise<void>;
  #own: (HeldSpool & { readonly run: string }) | undefined;
  #adopted: HeldSpool[] = [];
  #adoptedAt = -Infinity;
  #count = 0;
  #dropped = 0;
  #unreported = 0;
  #reportedAt = -Infinity;
  #batch = BATCH;
  #retryMs = FIRST_RETRY_MS;
  #problem: string | undefined;
  #diskFailed = false;
  #closing = false;
  /** Set when there is no time left: what is being sent is broken off, and nothing more is sent. */
  #outOfTime = false;
  #sending: AbortController | undefined;

  /** @param folder tells a `drop` of this how many records it had no room for. */
  constructor(
    label: string,
    sender: Sender,
    folder: (drop: (lines: number) => void) => SpoolFolder,
    logger: Logger,
    { closeMs = CLOSE_MS }: AuditStreamOptions = {},
  ) {
    this.#label = label;
    this.#sender = sender;
    this.#logger = logger;
    this.#closeMs = closeMs;
    this.#folder = folder((lines) => {
      this.#drop(lines, 'the buffer on disk is full');
    });
    this.#running = this.#run();
  }

  /** Takes an entry. Never throws and never waits for the receiver. */
  push(entry: AuditEntry): void {
    if (this.#closing) return;
    try {
      const { run, spool } = this.#ownSpool();
      this.#count += 1;
      spool.append({ id: `${run}-${String(this.#count)}`, entry });
      this.#diskFailed = false;
    } catch (error) {
      this.#dropped += 1;
      this.#diskTrouble(error);
    }
    this.#pause.wake('news');
  }

  status(): StreamStatus {
    const waiting = this.#spools().reduce((sum, { spool }) => sum + spool.waiting, 0);
    return { target: this.#label, waiting, dropped: this.#dropped, problem: this.#problem };
  }

  /** Tries once more to deliver everything, for at most `closeMs`; what is left stays on disk. Never rejects. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#pause.wake('close');
    const limit = setTimeout(() => {
      this.#outOfTime = true;
      this.#sending?.abort();
    }, this.#closeMs);
    await this.#running;
    clearTimeout(limit);
    await Promise.all(this.#spools().map((held) => held.release()));
    this.#own = undefined;
    this.#adopted = [];
  }

  /** One round after the other. The last one has begun when nothing was pushed any more. */
  async #run(): Promise<void> {
    for (;;) {
      const last = this.#closing;
      await this.#adopt();
      const failure = await this.#deliverAll();
      if (failure === undefined) this.#recovered();
      else this.#failed(failure);
      if (last) return;
      if (failure === undefined) {
        if ((await this.#pause.take(['news', 'close'], ADOPT_MS)) === 'news') await this.#pause.take(['close'], LINGER_MS);
      } else await this.#pause.take(['close'], this.#retryDelay(failure));
    }
  }

  async #adopt(): Promise<void> {
    const now = performance.now();
    if (now - this.#adoptedAt < ADOPT_MS) return;
    this.#adoptedAt = now;
    this.#adopted.push(...(await this.#folder.adopt()));
  }

  /** Everything that waits, the oldest processes first. Returns the failure that ended it, if one did. */
  async #deliverAll(): Promise<DeliveryError | undefined> {
    for (const held of this.#spools()) {
      const failure = await this.#deliver(held);
      if (failure !== undefined) return failure;
      if (held !== this.#own) {
        await held.release();
        this.#adopted = this.#adopted.filter((other) => other !== held);
      }
    }
    return undefined;
  }

  async #deliver({ spool, lost }: HeldSpool): Promise<DeliveryError | undefined> {
    while (!lost()) {
      const batch = await spool.next(this.#batch).catch((error: unknown) => {
        this.#diskTrouble(error);
      });
      if (batch === undefined) return undefined;
      try {
        const receipt = batch.records.length === 0 ? undefined : await this.#send(batch.records);
        if (receipt === 'smaller') continue;
        // What another process has taken over is delivered once more, by that one.
        if (!lost()) await spool.commit(batch);
        if (receipt !== undefined) this.#drop(receipt.rejected, `the receiver rejected them: ${receipt.reason}`);
      } catch (error) {
        return DeliveryError.of(error);
      }
    }
    return undefined;
  }

  /** Sends a batch. One that the receiver does not want is sent in smaller ones, so that only what it does not want is given up. */
  async #send(records: readonly StreamRecord[]): Promise<Receipt | 'smaller' | undefined> {
    if (this.#outOfTime) throw new DeliveryError('not delivered in time');
    const sending = new AbortController();
    this.#sending = sending;
    const limit = setTimeout(() => {
      sending.abort();
    }, SEND_MS).unref();
    try {
      const receipt = await this.#sender.send(records, sending.signal);
      this.#recovered();
      this.#batch = Math.min(BATCH, this.#batch * 2);
      return receipt;
    } catch (error) {
      if (!(error instanceof DeliveryError) || !error.unwanted) throw error;
      if (records.length === 1) return { rejected: 1, reason: error.message };
      this.#batch = Math.ceil(records.length / 2);
      return 'smaller';
    } finally {
      clearTimeout(limit);
    }
  }

  #ownSpool(): HeldSpool & { readonly run: string } {
    if (this.#own?.lost() === true) {
      void this.#own.release();
      this.#own = undefined;
    }
    this.#own ??= this.#folder.create();
    return this.#own;
  }

  #spools(): HeldSpool[] {
    return this.#own === undefined ? this.#adopted : [...this.#adopted, this.#own];
  }

  /** What the receiver asks for, else longer and longer; in ms. */
  #retryDelay({ retryAfterMs }: DeliveryError): number {
    if (retryAfterMs !== undefined) return Math.max(retryAfterMs, FIRST_RETRY_MS);
    const ms = this.#retryMs * (0.8 + Math.random() * 0.4);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
    return ms;
  }

  #failed({ message }: DeliveryError): void {
    if (this.#problem === undefined)
      this.#logger.warn(`Audit entries cannot be delivered to ${this.#label} (${message}). They are kept on disk and delivered later.`);
    this.#problem = message;
  }

  #recovered(): void {
    if (this.#problem !== undefined) this.#logger.info(`Audit entries are delivered to ${this.#label} again.`);
    this.#problem = undefined;
    this.#retryMs = FIRST_RETRY_MS;
  }

  /** Said once, until it works again. */
  #diskTrouble(error: unknown): void {
    if (!this.#diskFailed)
      this.#logger.error(`The buffer on disk for ${this.#label} does not work (${reasonOf(error)}). Entries are in the audit trail only.`);
    this.#diskFailed = true;
  }

  /** Said at most once a minute. */
  #drop(lines: number, why: string): void {
    this.#dropped += lines;
    this.#unreported += lines;
    if (performance.now() - this.#reportedAt < REPORT_MS) return;
    const entries = this.#unreported === 1 ? '1 audit entry was' : `${String(this.#unreported)} audit entries were`;
    this.#logger.error(`${entries} not delivered to ${this.#label}: ${why}. The audit trail on this machine has them.`);
    this.#reportedAt = performance.now();
    this.#unreported = 0;
  }
}
