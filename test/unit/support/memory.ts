import type { AuditEntry, AuditSink } from '../../../src/audit/entry';
import type { BlobStore } from '../../../src/shared/blobStore';
import type { Clock } from '../../../src/shared/clock';
import { SecretsError } from '../../../src/shared/errors';
import type { Logger } from '../../../src/shared/logger';
import type { Commit, TreeStore } from '../../../src/shared/treeStore';
import { fingerprintOf, newRootKey } from '../../../src/vault/keys';
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

/** Thrown in place of a process that dies. */
export class Crash extends Error {}

/** Lets stores that share it make this many more writes; the one after that dies before it happens. */
export class Fuse {
  left = Infinity;
  /** How many writes there were. */
  writes = 0;

  /** To be called before each write. */
  burn(): void {
    if (this.left === 0) throw new Crash('crash');
    this.left -= 1;
    this.writes += 1;
  }
}

interface Generation {
  readonly head: string;
  readonly names: readonly string[];
}

/**
 * A document with parts in memory that several objects share, one writer at a time. `failing` makes every access fail.
 * With a fuse, a commit can end before each of its writes: every part, the head, the removal of old parts, and the
 * return to the caller.
 */
export class MemoryTreeStore implements TreeStore {
  readonly path = 'memory';
  readonly parts = new Map<string, string>();
  readonly archived: string[] = [];
  head: string | undefined;
  failing = false;
  /** How many changes there were. */
  writes = 0;
  readonly fuse: Fuse;
  #current: Generation | undefined;
  #previous: Generation | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(head?: string, fuse = new Fuse()) {
    this.head = head;
    this.fuse = fuse;
  }

  read(): string | undefined {
    this.#check();
    return this.head;
  }

  part(name: string): string | undefined {
    this.#check();
    return this.parts.get(name);
  }

  previous(): string | undefined {
    this.#check();
    return this.#previous?.head;
  }

  update(change: (head: string | undefined) => Promise<Commit | undefined>): Promise<void> {
    return this.#alone(async () => {
      const commit = await change(this.head);
      if (commit === undefined) return;
      this.#check();
      this.#refuseUnlessWhole(commit);
      for (const [name, text] of commit.parts) {
        this.fuse.burn();
        this.parts.set(name, text);
      }
      this.fuse.burn();
      if (this.head !== undefined) this.#previous = { head: this.head, names: this.#current?.names ?? [] };
      this.#current = commit;
      this.head = commit.head;
      this.writes += 1;
      this.fuse.burn();
      const needed = new Set([...commit.names, ...(this.#previous?.names ?? [])]);
      for (const name of this.parts.keys()) if (!needed.has(name)) this.parts.delete(name);
      this.fuse.burn();
    });
  }

  heads(): string[] {
    return [this.head, this.#previous?.head, ...this.archived].filter((head) => head !== undefined);
  }

  async archive(): Promise<string> {
    await this.#alone(() => {
      if (this.head !== undefined) this.archived.push(this.head);
      this.#empty();
    });
    return 'memory.archived';
  }

  destroy(): Promise<void> {
    return this.#alone(() => {
      this.archived.length = 0;
      this.#empty();
    });
  }

  #empty(): void {
    this.fuse.burn();
    this.head = this.#current = this.#previous = undefined;
    this.parts.clear();
  }

  #alone(act: () => void | Promise<void>): Promise<void> {
    const turn = this.#last.then(() => {
      this.#check();
      return act();
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** What the owner of the document must get right. */
  #refuseUnlessWhole({ parts, names }: Commit): void {
    for (const name of parts.keys()) {
      if (!/^[a-z0-9]{1,64}$/.test(name)) throw new Error(`"${name}" is no name of a part`);
      if (this.parts.has(name)) throw new Error(`the part ${name} is there already`);
    }
    for (const name of names) if (!parts.has(name) && !this.parts.has(name)) throw new Error(`there is no part ${name}`);
  }

  #check(): void {
    if (this.failing) throw new SecretsError('storeFailed', { path: this.path, reason: 'EIO' });
  }
}

/** Root keys in memory, found by vault and fingerprint. What was ever made is in `made`. */
export class MemoryKeyStore implements KeyStore {
  /** By `<vault id>/<key id>`. */
  readonly keys = new Map<string, Buffer>();
  readonly generations = new Map<string, number>();
  readonly #successors = new Map<string, Buffer>();
  /** The vaults that a key was made for, in order. */
  readonly made: string[] = [];
  /** `lose`: accepts a key and does not keep it. */
  setting: 'keep' | 'fail' | 'lose' = 'keep';
  /** How often it was told to forget. */
  forgotten = 0;
  readonly fuse: Fuse;

  constructor(fuse = new Fuse()) {
    this.fuse = fuse;
  }

  get(vaultId: string, keyId: string): Promise<Buffer | undefined> {
    const key = this.keys.get(`${vaultId}/${keyId}`);
    return Promise.resolve(key && Buffer.from(key));
  }

  async create(vaultId: string): Promise<Buffer> {
    return Promise.resolve(this.#make(vaultId));
  }

  async successor(vaultId: string, keyId: string): Promise<Buffer> {
    const begun = this.#successors.get(vaultId);
    if (begun !== undefined && fingerprintOf(begun, vaultId) !== keyId) return Promise.resolve(Buffer.from(begun));
    const key = this.#make(vaultId);
    this.#successors.set(vaultId, Buffer.from(key));
    return key;
  }

  async retire(vaultId: string, keyId: string | undefined): Promise<void> {
    this.#write();
    for (const name of this.keys.keys()) {
      if (name.startsWith(`${vaultId}/`) && name !== `${vaultId}/${keyId ?? ''}`) this.keys.delete(name);
    }
    this.#successors.delete(vaultId);
    return Promise.resolve();
  }

  generation(vaultId: string): Promise<number> {
    return Promise.resolve(this.generations.get(vaultId) ?? 0);
  }

  async keepGeneration(vaultId: string, generation: number): Promise<void> {
    this.#write();
    const kept = this.generations.get(vaultId) ?? 0;
    this.generations.set(vaultId, Math.max(kept, generation));
    return Promise.resolve();
  }

  forget(): void {
    this.forgotten += 1;
  }

  #make(vaultId: string): Buffer {
    this.#write();
    const key = newRootKey();
    this.made.push(vaultId);
    if (this.setting === 'keep') this.keys.set(`${vaultId}/${fingerprintOf(key, vaultId)}`, Buffer.from(key));
    return key;
  }

  #write(): void {
    this.fuse.burn();
    if (this.setting === 'fail') throw new SecretsError('storeFailed', { path: 'memory', reason: 'EIO' });
  }
}

/** A clock that stands still until told. */
export class FixedClock implements Clock {
  time: number;
  /** By how much somebody has set the time of day. */
  wrongBy = 0;

  constructor(time = Date.UTC(2026, 0, 2, 3, 4, 5, 678)) {
    this.time = time;
  }

  now(): number {
    return this.time + this.wrongBy;
  }

  steady(): number {
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
