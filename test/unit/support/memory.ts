import type { AuditEntry, AuditSink } from '../../../src/audit/entry';
import type { BlobStore } from '../../../src/shared/blobStore';
import type { Clock } from '../../../src/shared/clock';
import { SecretsError } from '../../../src/shared/errors';
import type { Logger } from '../../../src/shared/logger';
import type { KeyStore } from '../../../src/vault/ports';

/** A document in memory that several objects share, one writer at a time. `failing` makes every access fail. */
export class MemoryBlobStore implements BlobStore {
  text: string | undefined;
  failing = false;
  writes = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(text?: string) {
    this.text = text;
  }

  read(): string | undefined {
    this.#check();
    return this.text;
  }

  update(change: (current: string | undefined) => Promise<string | undefined>): Promise<void> {
    const turn = this.#last.then(async () => {
      this.#check();
      const next = await change(this.text);
      if (next === undefined) return;
      this.#check();
      this.text = next;
      this.writes += 1;
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #check(): void {
    if (this.failing) throw new SecretsError('storeFailed', { path: 'memory', reason: 'EIO' });
  }
}

/** Root keys in memory. Everything that is ever set is in `sets`. */
export class MemoryKeyStore implements KeyStore {
  readonly keys = new Map<string, Buffer>();
  readonly sets: string[] = [];
  /** `lose`: accepts a key and does not keep it. */
  setting: 'keep' | 'fail' | 'lose' = 'keep';

  get(vaultId: string): Promise<Buffer | undefined> {
    const key = this.keys.get(vaultId);
    return Promise.resolve(key && Buffer.from(key));
  }

  set(vaultId: string, key: Buffer): Promise<void> {
    if (this.setting === 'fail') return Promise.reject(new SecretsError('storeFailed', { path: 'memory', reason: 'EIO' }));
    this.sets.push(vaultId);
    if (this.setting === 'keep') this.keys.set(vaultId, Buffer.from(key));
    return Promise.resolve();
  }
}

/** A clock that stands still until told. */
export class FixedClock implements Clock {
  time: number;

  constructor(time = Date.UTC(2026, 0, 2, 3, 4, 5, 678)) {
    this.time = time;
  }

  now(): number {
    return this.time;
  }
}

/** Remembers what is recorded. */
export class RecordingAudit implements AuditSink {
  readonly entries: Omit<AuditEntry, 'time'>[] = [];

  record(entry: Omit<AuditEntry, 'time'>): void {
    this.entries.push(entry);
  }
}

/** Remembers what is logged. */
export class RecordingLogger implements Logger {
  readonly lines: string[] = [];
  readonly errors: string[] = [];

  info(message: string): void {
    this.lines.push(message);
  }

  warn(message: string): void {
    this.lines.push(message);
  }

  error(message: string): void {
    this.errors.push(message);
  }
}
