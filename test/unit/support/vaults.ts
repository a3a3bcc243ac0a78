import { parseHead } from '../../../src/vault/head';
import { formatPart, parsePart } from '../../../src/vault/part';
import type { StoredSecret } from '../../../src/vault/part';
import { Vault } from '../../../src/vault/vault';
import { FixedClock, Fuse, MemoryKeyStore, MemoryTreeStore, RecordingAudit } from './memory';

/** A vault on stores that a test can reach into. */
export interface Bench {
  readonly store: MemoryTreeStore;
  readonly keys: MemoryKeyStore;
  /** Ends the writes of both stores. */
  readonly fuse: Fuse;
  readonly clock: FixedClock;
  readonly audit: RecordingAudit;
  readonly vault: Vault;
  /** What the vault's barrier says. */
  barrier: 'untrusted' | 'noFolder' | undefined;
  /** How many versions of a secret stay. */
  keepVersions: number;
  /** Another window: a vault on the same stores. */
  another: () => Vault;
}

/** A vault that has never held anything, or one with these secrets. */
export async function bench(secrets: Readonly<Record<string, string>> = {}): Promise<Bench> {
  const result = emptyBench();
  for (const [name, value] of Object.entries(secrets)) await result.vault.set(name, Buffer.from(value), 'user');
  return result;
}

function emptyBench(): Bench {
  const fuse = new Fuse();
  const store = new MemoryTreeStore(undefined, fuse);
  const ports = { store, keys: new MemoryKeyStore(fuse), clock: new FixedClock(), audit: new RecordingAudit() };
  const made: Pick<Bench, 'barrier' | 'keepVersions'> = { barrier: undefined, keepVersions: 10 };
  const another = (): Vault => new Vault({ ...ports, barrier: () => made.barrier, keepVersions: () => made.keepVersions });
  return Object.assign(made, ports, { fuse, another, vault: another() });
}

/** The value of a secret as text. */
export async function valueOf(vault: Vault, name: string, scope?: string): Promise<string> {
  const [opened] = await vault.open([name], scope);
  return opened?.value.toString() ?? '';
}

/** Everything that is stored, as one text. */
export function storedText({ store }: Pick<Bench, 'store'>): string {
  return [store.head ?? '', ...store.parts.values()].join('\n');
}

/** What is stored of the current generation: all that one needs to put it back later. */
export interface Stored {
  readonly head: string;
  readonly parts: ReadonlyMap<string, string>;
}

/** A copy of what is stored. */
export function storedOf({ store }: Pick<Bench, 'store'>): Stored {
  return { head: store.head ?? '', parts: new Map(partNames(store).map((name) => [name, store.parts.get(name) ?? ''])) };
}

/** Replaces what is stored, as somebody does who kept a copy. */
export function putBack({ store }: Pick<Bench, 'store'>, { head, parts }: Stored): void {
  store.head = head;
  store.parts.clear();
  for (const [name, text] of parts) store.parts.set(name, text);
}

/** Another vault with the same keys, that went through these states and knows of no later one. */
export async function benchOf({ keys }: Bench, states: readonly Stored[]): Promise<Bench> {
  const b = emptyBench();
  for (const [id, key] of keys.keys) b.keys.keys.set(id, Buffer.from(key));
  for (const { head, parts } of states) {
    const added = new Map([...parts].filter(([name]) => !b.store.parts.has(name)));
    await b.store.update(() => Promise.resolve({ head, parts: added, names: [...parts.keys()] }));
  }
  return b;
}

/** The same bytes with one bit changed. */
export function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
}

/** The stored secrets of the current generation. */
export function secretsOf({ store }: Pick<Bench, 'store'>): StoredSecret[] {
  return partNames(store).flatMap((name) => parsePart(store.parts.get(name) ?? '').secrets);
}

/** The names of the parts of the current generation. */
export function partNames({ head }: Pick<MemoryTreeStore, 'head'>): string[] {
  return (parseHead(head ?? '')?.shards ?? []).map(({ part }) => part);
}

/** Replaces the stored secrets part by part, as somebody with access to the disk would, who knows the format and not the key. */
export function tamper({ store }: Pick<Bench, 'store'>, change: (secrets: readonly StoredSecret[]) => readonly StoredSecret[]): void {
  for (const name of partNames(store)) store.parts.set(name, formatPart(change(parsePart(store.parts.get(name) ?? '').secrets)));
}

/** The stored secrets with another one of this name. */
export function edited(secrets: readonly StoredSecret[], name: string, change: (secret: StoredSecret) => StoredSecret): StoredSecret[] {
  return secrets.map((secret) => (secret.name === name ? change(secret) : secret));
}

/** The stored secrets with another current record of one of them. */
export function withSealed(secrets: readonly StoredSecret[], name: string, change: (sealed: Buffer) => Buffer): StoredSecret[] {
  return edited(secrets, name, (secret) => ({
    ...secret,
    versions: secret.versions.map((version, i) =>
      i < secret.versions.length - 1 ? version : { ...version, sealed: change(Buffer.from(version.sealed, 'base64')).toString('base64') },
    ),
  }));
}
