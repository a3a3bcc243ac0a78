import { randomBytes } from 'node:crypto';
import { SecretsError } from '../shared/errors';
import type { Commit, TreeStore } from '../shared/treeStore';
import { FORMAT, parseHead } from './head';
import type { Head, Shard } from './head';
import { deriveKeys } from './keys';
import type { VaultKeys } from './keys';
import { migrated, parseFirst } from './migrate';
import type { FirstDocument } from './migrate';
import { parsePart, partOf } from './part';
import type { Part } from './part';
import type { KeyStore } from './ports';
import { commitOf, newTree, OpenTree, Tree } from './tree';
import type { Generation, HeadPatch, PartChanges, ProvenSecret } from './tree';
import { ofVault } from './whose';

/** What a change comes to. */
export interface Change<T> {
  readonly changes: PartChanges;
  readonly patch?: HeadPatch;
  readonly value: T;
}

interface Parsed {
  readonly text: string;
  readonly tree: Tree;
  /** The document, if it is one of format 1. */
  readonly first?: FirstDocument;
}

/** A part was removed between reading the head and reading the part: there is a newer head. */
class Outdated extends Error {}

/** How often a reader starts over because others write at the same time. */
const ATTEMPTS = 20;

/**
 * Reads generations of a vault's document and replaces them by new ones, with the key where one is needed. Keys live
 * here, in memory, from when they are first needed until `forget`. Nothing of it is policy: see vault.ts.
 */
export class Keeper {
  readonly #store: TreeStore;
  readonly #keyStore: KeyStore;
  readonly #scope: string | undefined;
  #parsed: Parsed | undefined;
  #open: OpenTree | undefined;
  #keys = new Map<string, VaultKeys>();
  /** How often keys were forgotten: what is under way then must not bring them back. */
  #forgotten = 0;
  #parts = new Map<string, Part>();

  /** @param scope what errors about the vault as a whole tell it by. */
  constructor(store: TreeStore, keyStore: KeyStore, scope?: string) {
    this.#store = store;
    this.#keyStore = keyStore;
    this.#scope = scope;
  }

  /** The generation that is stored now (`mayBeLate`: as `TreeStore.read`), unproven; `undefined` if there is no vault. @throws SecretsError `vaultDamaged`, `vaultNewer`, `storeFailed`. */
  tree(mayBeLate = false): Tree | undefined {
    return this.#telling(() => this.#parse(this.#store.read(mayBeLate))?.tree);
  }

  /** What `look` finds in the opened vault as of 5 ms ago or later, if that takes no waiting; else `undefined`. @throws as `tree`, and what `look` throws. */
  seeAtHand<T>(look: (open: OpenTree) => T): T | undefined {
    const tree = this.tree(true);
    if (tree === undefined || this.#open?.tree !== tree) return undefined;
    try {
      return look(this.#open);
    } catch (error) {
      if (error instanceof Outdated) return undefined;
      throw ofVault(error, this.#scope);
    }
  }

  /**
   * What `look` sees in the generation that is stored now. It may be called several times.
   * @param mayBeLate as for `tree`. @throws SecretsError as `tree`, and what `look` throws.
   */
  see<T>(look: (tree: Tree | undefined) => T, mayBeLate = false): T {
    let late = mayBeLate;
    return this.#telling(() =>
      this.#again(() => {
        const tree = this.tree(late);
        late = false;
        return look(tree);
      }),
    );
  }

  /** The generation that is stored now, opened and proven; `undefined` without a vault. @throws SecretsError `keyLost`, `vaultOlder`, `vaultAltered`, and as `tree`. */
  async open(): Promise<OpenTree | undefined> {
    return this.#tellingLater(async () => {
      for (let attempt = 1; ; attempt++) {
        const parsed = this.#parse(this.#store.read());
        if (parsed === undefined) return undefined;
        if (parsed.first !== undefined) {
          await this.change(() => ({ changes: new Map(), value: undefined }));
          continue;
        }
        try {
          return await this.#opened(parsed.tree);
        } catch (error) {
          // Another process may have written in between: then what was read is older than what is known, and rightly so.
          if (attempt >= ATTEMPTS || this.#parse(this.#store.read())?.tree === parsed.tree) throw error;
        }
      }
    });
  }

  /** What `look` finds in the opened vault; `undefined` without a vault. It may be called several times. @throws as `open`. */
  async seeOpen<T>(look: (open: OpenTree) => T): Promise<T | undefined> {
    return this.#tellingLater(async () => {
      for (let attempt = 1; ; attempt++) {
        const open = await this.open();
        if (open === undefined) return undefined;
        try {
          return look(open);
        } catch (error) {
          if (!(error instanceof Outdated)) throw error;
          if (attempt >= ATTEMPTS) throw partMissing();
        }
      }
    });
  }

  /**
   * As `seeOpen`, secret by secret, letting others work in between: with thousands of secrets this takes a while. All that is
   * seen is of one generation. @throws as `open`.
   */
  async walk<T>(look: (open: OpenTree, secret: ProvenSecret) => readonly T[]): Promise<T[]> {
    return this.#tellingLater(async () => {
      const open = await this.#whole();
      const found: T[] = [];
      for (const [index] of open?.head.shards.entries() ?? []) {
        for (const secret of open?.part(index).secrets ?? []) if (open !== undefined) found.push(...look(open, secret));
        await nextTurn(index);
      }
      return found;
    });
  }

  /** A generation with all its parts read and proven. */
  async #whole(): Promise<OpenTree | undefined> {
    for (let attempt = 1; ; attempt++) {
      const open = await this.open();
      try {
        for (const [index] of open?.head.shards.entries() ?? []) {
          open?.part(index);
          await nextTurn(index);
        }
        return open;
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
        if (attempt >= ATTEMPTS) throw partMissing();
      }
    }
  }

  /**
   * Writes the next generation: what `make` says. Nobody else writes meanwhile. @param create makes a vault if there is none.
   * @throws SecretsError as `open`, and what `make` throws; then nothing has changed. `undefined` if there is no vault.
   */
  async change<T>(make: (open: OpenTree) => Change<T> | Promise<Change<T>>, create = false): Promise<T | undefined> {
    return this.#tellingLater(async () => {
      let result: { open: OpenTree; value: T; next: Generation } | undefined;
      await this.#store.update(async (text) => {
        const base = await this.#base(text, create);
        if (base === undefined) return undefined;
        try {
          const { changes, patch, value } = await make(base.open);
          if (changes.size === 0 && patch === undefined && !base.isNew) return undefined;
          const next = commitOf(base.open, changes, patch);
          result = { open: base.open, value, next };
          // A vault that is new, or new in this form, has parts that are not stored yet.
          const parts = new Map([...base.parts, ...next.parts].filter(([name]) => next.names.includes(name)));
          return { ...next, parts };
        } catch (error) {
          throw error instanceof Outdated ? partMissing() : error; // Nobody else writes now.
        }
      });
      if (result === undefined) return undefined;
      await this.#adopt(result.next, result.open);
      return result.value;
    });
  }

  /** Whether a key is in memory. */
  get hasKeys(): boolean {
    return this.#keys.size > 0;
  }

  /** Asks every process for a lock, without the key. Whoever has the key can end it. False if there is no vault. @throws as `tree`. */
  async askForLock(kind: 'locked' | 'panic'): Promise<boolean> {
    return this.#tellingLater(async () => {
      let asked = false;
      await this.#store.update((text) => {
        const parsed = this.#parse(text);
        asked = parsed !== undefined && parsed.first === undefined;
        if (parsed === undefined || parsed.first !== undefined) return Promise.resolve(undefined);
        const { head } = parsed.tree;
        const names = head.shards.map(({ part }) => part);
        return Promise.resolve({
          head: JSON.stringify({ ...head, asked: head.asked === 'panic' ? 'panic' : kind }),
          parts: new Map(),
          names,
        });
      });
      return asked;
    });
  }

  /**
   * Replaces what is stored by a generation that was put together by `make` without trusting what is there.
   * @param make gets the head as text and a way to make keys; returns what is to be stored.
   */
  async rebuild(make: (text: string | undefined) => Promise<Commit | undefined>): Promise<void> {
    await this.#tellingLater(async () => {
      await this.#store.update(make);
      this.#parsed = undefined;
      this.#open = undefined;
    });
  }

  /** Keys of the vault by the fingerprint of their root key; `undefined` if that is gone. @throws as `KeyStore.get`. */
  async keysOf(vaultId: string, keyId: string): Promise<VaultKeys | undefined> {
    const known = this.#keys.get(keyId);
    if (known !== undefined) return known;
    const forgotten = this.#forgotten;
    const rootKey = await this.#keyStore.get(vaultId, keyId);
    const keys = rootKey === undefined ? undefined : this.#derive(rootKey, vaultId, keyId);
    // For whoever has asked, and not for later.
    if (forgotten !== this.#forgotten) this.#keys.delete(keyId);
    return keys;
  }

  /** A key to seal the vault under instead of its current one, kept safe already. Returns its fingerprint. @throws as `KeyStore.successor`. */
  async successorOf({ vaultId, keyId }: Head): Promise<string> {
    const rootKey = await this.#keyStore.successor(vaultId, keyId);
    const keys = this.#derive(rootKey, vaultId);
    // What is sealed under it from now on must open again after a crash.
    const kept = await this.#keyStore.get(vaultId, keys.fingerprint);
    kept?.fill(0);
    if (kept === undefined) throw new SecretsError('storeFailed', { path: 'The key store', reason: 'the new key was not kept' });
    return keys.fingerprint;
  }

  /** Reads all parts, letting others work in between: with thousands of secrets this takes a while. */
  async load(): Promise<void> {
    const tree = this.tree();
    for (const [index] of tree?.head.shards.entries() ?? []) {
      try {
        tree?.part(index);
      } catch {
        return;
      }
      await nextTurn(index);
    }
  }

  /** Drops the keys from memory. */
  forget(): void {
    this.#forgotten += 1;
    this.#open = undefined;
    this.#keys.clear();
  }

  /** Parts of a vault, for those who put it together anew. `undefined`: it is gone. */
  partOf(name: string): Part | undefined {
    const text = this.#store.part(name);
    return text === undefined ? undefined : parsePart(text);
  }

  /** What goes wrong with the vault as a whole is told with its scope. */
  #telling<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw ofVault(error, this.#scope);
    }
  }

  async #tellingLater<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw ofVault(error, this.#scope);
    }
  }

  #parse(text: string | undefined): Parsed | undefined {
    if (text === undefined) return undefined;
    if (this.#parsed?.text === text) return this.#parsed;
    const head = parseHead(text);
    this.#parsed = head === undefined ? firstTree(text) : { text, tree: this.#treeOf(head) };
    return this.#parsed;
  }

  #treeOf(head: Head): Tree {
    const needed = new Set(head.shards.map(({ part }) => part));
    for (const name of this.#parts.keys()) if (!needed.has(name)) this.#parts.delete(name);
    return new Tree(head, (shard) => this.#load(shard));
  }

  #load({ part: name }: Shard): Part {
    let part = this.#parts.get(name);
    if (part === undefined) {
      part = this.partOf(name);
      if (part === undefined) throw new Outdated();
      this.#parts.set(name, part);
    }
    return part;
  }

  /** Starts over when a part was removed by a writer in the meantime. */
  #again<T>(look: () => T): T {
    for (let attempt = 1; ; attempt++) {
      try {
        return look();
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
        if (attempt >= ATTEMPTS) throw partMissing();
      }
    }
  }

  async #opened(tree: Tree): Promise<OpenTree> {
    if (this.#open?.tree === tree) return this.#open;
    const forgotten = this.#forgotten;
    const { vaultId, keyId, nextKeyId, generation, shards } = tree.head;
    const keys = new Map<string, VaultKeys>();
    for (const id of new Set([keyId, ...(nextKeyId === undefined ? [] : [nextKeyId]), ...shards.map((s) => s.keyId)])) {
      const found = await this.keysOf(vaultId, id);
      if (found === undefined) throw new SecretsError('keyLost', {});
      keys.set(id, found);
    }
    const open = new OpenTree(tree, keys, this.#open);
    open.checkHead();
    const expected = await this.#keyStore.generation(vaultId);
    if (generation < expected) throw new SecretsError('vaultOlder', { generation, expected });
    if (generation > expected) await this.#keepGeneration(vaultId, generation);
    if (forgotten === this.#forgotten) this.#open = open;
    return open;
  }

  async #base(
    text: string | undefined,
    create: boolean,
  ): Promise<{ open: OpenTree; parts: ReadonlyMap<string, string>; isNew: boolean } | undefined> {
    const parsed = this.#parse(text);
    if (parsed !== undefined && parsed.first === undefined) {
      return { open: await this.#opened(parsed.tree), parts: new Map(), isNew: false };
    }
    if (parsed === undefined && !create) return undefined;
    const home = parsed?.first === undefined ? await this.#newHome() : await this.#homeOf(parsed.first);
    const commit = newTree(home, parsed?.first === undefined ? [] : migrated(parsed.first, home), 1);
    const head = parseHead(commit.head);
    if (head === undefined) throw new SecretsError('vaultDamaged', { what: 'not a vault document' });
    const tree = new Tree(head, ({ part }) => {
      const made = commit.parts.get(part);
      return made === undefined ? partOf([]) : parsePart(made);
    });
    return { open: new OpenTree(tree, new Map([[home.keys.fingerprint, home.keys]])), parts: commit.parts, isNew: true };
  }

  async #newHome(): Promise<{ vaultId: string; keys: VaultKeys }> {
    const vaultId = randomBytes(16).toString('hex');
    const keys = this.#derive(await this.#keyStore.create(vaultId), vaultId);
    // Nothing is sealed under a key that was not seen to be kept.
    const kept = await this.#keyStore.get(vaultId, keys.fingerprint);
    kept?.fill(0);
    if (kept === undefined) throw new SecretsError('storeFailed', { path: 'The key store', reason: 'the key was not kept' });
    return { vaultId, keys };
  }

  async #homeOf({ vaultId, keyId }: FirstDocument): Promise<{ vaultId: string; keys: VaultKeys }> {
    const keys = await this.keysOf(vaultId, keyId);
    if (keys === undefined) throw new SecretsError('keyLost', {});
    // Whoever kept a copy from before the vault was written anew must not get it accepted as new.
    const expected = await this.#keyStore.generation(vaultId);
    if (expected > 0) throw new SecretsError('vaultOlder', { generation: 0, expected });
    return { vaultId, keys };
  }

  /** @param keyId what the fingerprint must be, if that is known. Overwrites the root key. */
  #derive(rootKey: Buffer, vaultId: string): VaultKeys;
  #derive(rootKey: Buffer, vaultId: string, keyId: string): VaultKeys | undefined;
  #derive(rootKey: Buffer, vaultId: string, keyId?: string): VaultKeys | undefined {
    const keys = deriveKeys(rootKey, vaultId);
    rootKey.fill(0);
    if (keyId !== undefined && keys.fingerprint !== keyId) return undefined;
    this.#keys.set(keys.fingerprint, keys);
    return keys;
  }

  /** What was written here needs no proof. */
  async #adopt({ head, made }: Generation, before: OpenTree): Promise<void> {
    for (const [name, part] of made) this.#parts.set(name, part);
    const parsed = this.#parse(this.#store.read());
    if (parsed?.text !== head) return; // Another process was faster: it will be read when it is needed.
    const { nextKeyId, keyId } = parsed.tree.head;
    const keys = new Map([...before.keys, ...this.#keys].filter(([id]) => id === keyId || id === nextKeyId));
    // The new key may have been forgotten in between: it is fetched when it is needed.
    this.#open = nextKeyId === undefined || keys.has(nextKeyId) ? new OpenTree(parsed.tree, keys, before) : undefined;
    await this.#keepGeneration(parsed.tree.head.vaultId, parsed.tree.head.generation);
  }

  /** The change is written by now. A generation that could not be kept is kept with the next change. */
  async #keepGeneration(vaultId: string, generation: number): Promise<void> {
    await this.#keyStore.keepGeneration(vaultId, generation).catch(() => undefined);
  }
}

/** Between parts, every now and then. */
async function nextTurn(index: number): Promise<void> {
  if (index % 4 === 3) await new Promise<void>((resolve) => void setImmediate(resolve));
}

function partMissing(): SecretsError<'vaultDamaged'> {
  return new SecretsError('vaultDamaged', { what: 'a part is missing' });
}

/** A document of format 1 as a tree of one part, to be listed. It is written anew before it is used. */
function firstTree(text: string): Parsed {
  const first = parseFirst(text);
  const { vaultId, keyId, secrets } = first;
  const shards = [{ part: 'first', keyId, count: secrets.length, mac: '' }];
  const head: Head = { format: FORMAT, vaultId, keyId, generation: 1, lock: 'open', formerAudit: [], shards, mac: '' };
  return { text, first, tree: new Tree(head, () => partOf(secrets)) };
}
