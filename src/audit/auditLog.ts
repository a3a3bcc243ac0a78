import { appendFileSync, closeSync, fstatSync, mkdirSync, openSync, promises as fs, readFileSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../shared/clock';
import { Emitter } from '../shared/disposable';
import type { Disposable } from '../shared/disposable';
import { reasonOf } from '../shared/errors';
import type { Logger } from '../shared/logger';
import type { AuditEntry, AuditSink } from './entry';

/** How many of the newest entries are kept at hand for views. */
const RECENT = 500;
/** Lines wait this long for company: one write for many calls, off the path of the call itself. */
const FLUSH_MS = 25;

/**
 * The append-only record: one JSON line per entry in a file of mode 0600. Lines are written in the
 * background in order; `dispose` writes what is left. A file that cannot be written is reported once to
 * the logger and never fails a call.
 */
export class AuditLog implements AuditSink, Disposable {
  readonly path: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #added = new Emitter<AuditEntry>();
  /** Fires for each new entry. */
  readonly onDidAdd = this.#added.event;
  #recent: AuditEntry[] | undefined;
  #pending: AuditEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failed = false;
  #begun = false;

  /** @param path the file; it and its folder are made (0600, 0700) with the first entry. */
  constructor(path: string, clock: Clock, logger: Logger) {
    this.path = path;
    this.#clock = clock;
    this.#logger = logger;
  }

  record(entry: Omit<AuditEntry, 'time'> & { readonly time?: string }): void {
    const whole: AuditEntry = { time: new Date(this.#clock.now()).toISOString(), ...entry };
    if (this.#recent !== undefined) {
      this.#recent.push(whole);
      if (this.#recent.length > RECENT * 2) this.#recent = this.#recent.slice(-RECENT);
    }
    this.#pending.push(whole);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#write());
    }, FLUSH_MS).unref();
    this.#added.fire(whole);
  }

  /** The newest entries, oldest first, at most 500. Reads the file the first time it is asked. */
  recent(): readonly AuditEntry[] {
    this.#recent ??= [...readEntries(this.path), ...this.#pending];
    return this.#recent.slice(-RECENT);
  }

  /** Waits until everything recorded so far is in the file. */
  async flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#added.dispose();
    const rest = this.#take();
    if (rest === '') return;
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      appendFileSync(this.path, this.#onNewLine(rest), { mode: 0o600 });
    } catch (error) {
      this.#report(error);
    }
  }

  #take(): string {
    const text = this.#pending.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    this.#pending = [];
    return text;
  }

  async #write(): Promise<void> {
    const text = this.#take();
    if (text === '') return;
    try {
      await fs.mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      await fs.appendFile(this.path, this.#onNewLine(text), { mode: 0o600 });
    } catch (error) {
      this.#report(error);
    }
  }

  /** A crash can leave a line without its end. What comes next must not become part of it. */
  #onNewLine(text: string): string {
    const first = !this.#begun;
    this.#begun = true;
    return first && isCut(this.path) ? `\n${text}` : text;
  }

  #report(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#logger.error(`The audit file ${this.path} cannot be written (${reasonOf(error)}). Calls go on; they are not recorded there.`);
  }
}

/** Whether a file ends in the middle of a line. */
function isCut(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const last = Buffer.alloc(1);
    const { size } = fstatSync(file);
    return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 10;
  } finally {
    closeSync(file);
  }
}

/**
 * The entries of an audit file, oldest first. A file that is not there has none; a line that is not an
 * entry (a write cut short by a crash) is passed over.
 */
export function readEntries(path: string): AuditEntry[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line) as AuditEntry;
      return typeof entry.action === 'string' ? [entry] : [];
    } catch {
      return [];
    }
  });
}
