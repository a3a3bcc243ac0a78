import { randomBytes } from 'node:crypto';
import { SecretsError } from '../shared/errors';
import type { Commit } from '../shared/treeStore';
import { Bundles } from './bundle';
import { FORMAT, formatHead, isSound, shardMac, shardOf } from './head';
import type { Head, Shard } from './head';
import type { VaultKeys } from './keys';
import { formatPart, keyOf, partOf } from './part';
import type { Part, StoredSecret } from './part';
import { headOf } from './record';
import type { Home } from './record';

/** More secrets than this in a part (on average) make the vault double the number of its parts. */
const SECRETS_PER_PART = 128;

/** One generation of a vault as it is stored, read as far as it was asked for. Nothing of it is proven. */
export class Tree {
  readonly head: Head;
  readonly #load: (shard: Shard) => Part;
  readonly #parts: (Part | undefined)[] = [];

  /** @param load reads a part; it may throw. */
  constructor(head: Head, load: (shard: Shard) => Part) {
    this.head = head;
    this.#load = load;
  }

  part(index: number): Part {
    const known = this.#parts[index];
    if (known !== undefined) return known;
    const shard = this.head.shards[index];
    const part = shard === undefined ? partOf([]) : this.#load(shard);
    this.#parts[index] = part;
    return part;
  }

  find(scope: string, name: string): StoredSecret | undefined {
    const key = keyOf(scope, name);
    return this.part(shardOf(key, this.head.shards.length)).byKey.get(key);
  }

  all(): StoredSecret[] {
    return this.head.shards.flatMap((_, index) => this.part(index).secrets);
  }

  /** How many secrets there are, without reading them. */
  get count(): number {
    return this.head.shards.reduce((sum, { count }) => sum + count, 0);
  }
}

/** A secret whose proof was looked at. */
export interface ProvenSecret extends StoredSecret {
  /** False: it was changed, or its line cannot be read. It is kept, and not used. */
  readonly sound: boolean;
}

interface ProvenPart {
  readonly secrets: readonly ProvenSecret[];
  readonly byKey: ReadonlyMap<string, ProvenSecret>;
}

/** One generation of a vault together with its keys: what is found here was proven. */
export class OpenTree {
  readonly tree: Tree;
  readonly #keys: ReadonlyMap<string, VaultKeys>;
  readonly #parts: (ProvenPart | undefined)[];
  #bundles: Bundles | undefined;

  /** @param keys by fingerprint. @param known parts that were proven for an earlier generation and are unchanged. */
  constructor(tree: Tree, keys: ReadonlyMap<string, VaultKeys>, known?: OpenTree) {
    this.tree = tree;
    this.#keys = keys;
    this.#parts = tree.head.shards.map((shard, index) => {
      const before = known?.tree.head.shards[index];
      const same = before?.part === shard.part && before.mac === shard.mac && before.keyId === shard.keyId;
      return same && known?.tree.head.shards.length === tree.head.shards.length ? known.#parts[index] : undefined;
    });
  }

  get head(): Head {
    return this.tree.head;
  }

  /** The keys by fingerprint: one, or two while one takes the place of the other. */
  get keys(): ReadonlyMap<string, VaultKeys> {
    return this.#keys;
  }

  /** Of the secrets of this generation. */
  get bundles(): Bundles {
    return (this.#bundles ??= new Bundles());
  }

  /** @throws SecretsError `vaultAltered` if the head is not as it was written. */
  checkHead(): void {
    if (!isSound(this.head, this.home(this.head.keyId))) throw new SecretsError('vaultAltered', { what: 'its head' });
  }

  /** The keys for records of the key with this fingerprint. @throws SecretsError `keyLost`. */
  home(keyId: string): Home {
    const keys = this.#keys.get(keyId);
    if (keys === undefined) throw new SecretsError('keyLost', {});
    return { vaultId: this.head.vaultId, keys };
  }

  /** The keys that the records of a secret are sealed under. @throws SecretsError `keyLost`. */
  homeOf(scope: string, name: string): Home {
    return this.home(this.#shard(shardOf(keyOf(scope, name), this.head.shards.length)).keyId);
  }

  /** @throws SecretsError `vaultAltered` if an earlier state of some secrets was put back, or secrets were taken away or added. */
  find(scope: string, name: string): ProvenSecret | undefined {
    const key = keyOf(scope, name);
    return this.part(shardOf(key, this.head.shards.length)).byKey.get(key);
  }

  /** All secrets. @throws as `find`. */
  all(): ProvenSecret[] {
    return this.head.shards.flatMap((_, index) => this.part(index).secrets);
  }

  /** One part, proven. @throws as `find`. */
  part(index: number): ProvenPart {
    const known = this.#parts[index];
    if (known !== undefined) return known;
    const made = proven(this.tree.part(index), this.#shard(index), this.home(this.#shard(index).keyId), index, this.head.shards.length);
    if (made === undefined) throw new SecretsError('vaultAltered', { what: 'secrets were put back, taken away or added' });
    this.#parts[index] = made;
    return made;
  }

  #shard(index: number): Shard {
    const shard = this.head.shards[index];
    if (shard === undefined) throw new SecretsError('vaultDamaged', { what: 'a part is missing' });
    return shard;
  }
}

function proven(part: Part, shard: Shard, home: Home, index: number, of: number): ProvenPart | undefined {
  const made = part.secrets.map((secret) => withProof(secret, home));
  if (shardMac(home, index, of, part.secrets) === shard.mac) return withKeys(made);
  // The mac holds the proofs that were written. If they can be made again from the secrets, only the line that holds them is damaged.
  const healed = made.flatMap((secret) => (secret.versions.length === 0 ? [] : [{ ...secret, sound: true, head: headOf(home, secret) }]));
  return shardMac(home, index, of, healed) === shard.mac ? withKeys(healed) : undefined;
}

/** The key under which a secret was looked at. Secrets do not change, and most of them go from one generation to the next. */
const looked = new WeakMap<StoredSecret, { keys: VaultKeys; proven: ProvenSecret }>();

/** Looks at the proof of a secret on its own. */
export function withProof(secret: StoredSecret, home: Home): ProvenSecret {
  const known = looked.get(secret);
  if (known?.keys === home.keys) return known.proven;
  const proven = { ...secret, sound: secret.versions.length > 0 && headOf(home, secret) === secret.head };
  for (const object of [secret, proven]) looked.set(object, { keys: home.keys, proven });
  return proven;
}

function withKeys(secrets: readonly ProvenSecret[]): ProvenPart {
  return { secrets, byKey: new Map(secrets.map((secret) => [keyOf(secret.scope, secret.name), secret])) };
}

/** What a change leaves in some parts, by index; the others stay as they are. */
export type PartChanges = ReadonlyMap<number, readonly StoredSecret[]>;

/** What a change makes of the head. */
export type HeadPatch = Partial<Pick<Head, 'lock' | 'keyId' | 'formerAudit'>> & {
  /** `null`: no longer. */
  readonly nextKeyId?: string | null;
  /** The key that changed parts are sealed under from now on; default: as before. */
  readonly shardKeyId?: string;
};

/** The next generation of a vault, as the store takes it, and what is in its new parts, so that they need not be read again. */
export interface Generation extends Commit {
  readonly made: ReadonlyMap<string, Part>;
}

/** The next generation of a vault. The secrets in `changes` carry their proofs already. */
export function commitOf(open: OpenTree, changes: PartChanges, patch: HeadPatch = {}): Generation {
  const { head } = open;
  const made = new Map<string, Part>();
  const put: Put = (secrets, keyId, index, of) => putPart(made, open.home(keyId), secrets, index, of);
  const kept = head.shards.map((shard, index) => {
    const secrets = changes.get(index);
    return secrets === undefined ? shard : put(secrets, patch.shardKeyId ?? shard.keyId, index, head.shards.length);
  });
  const shards = isCrowded(kept) && head.nextKeyId === undefined ? spread(open, changes, put) : kept;
  const nextKeyId = patch.nextKeyId === undefined ? head.nextKeyId : (patch.nextKeyId ?? undefined);
  const next = {
    format: FORMAT,
    vaultId: head.vaultId,
    keyId: patch.keyId ?? head.keyId,
    ...(nextKeyId === undefined ? {} : { nextKeyId }),
    generation: head.generation + 1,
    lock: patch.lock ?? head.lock,
    formerAudit: patch.formerAudit ?? head.formerAudit,
    shards,
    ...(patch.lock !== undefined || head.asked === undefined ? {} : { asked: head.asked }),
  } as const;
  return generationOf(formatHead(next, open.home(next.keyId)), shards, made);
}

/** Parts that were made before the secrets were spread over more of them are not needed. */
function generationOf(head: string, shards: readonly Shard[], all: ReadonlyMap<string, Part>): Generation {
  const names = shards.map(({ part }) => part);
  const made = new Map([...all].filter(([name]) => names.includes(name)));
  return { head, made, parts: new Map([...made].map(([name, { secrets }]) => [name, formatPart(secrets)])), names };
}

function isCrowded(shards: readonly Shard[]): boolean {
  return shards.reduce((sum, { count }) => sum + count, 0) > SECRETS_PER_PART * shards.length;
}

/** All secrets in as many parts as they need now. */
function spread(open: OpenTree, changes: PartChanges, put: Put): Shard[] {
  return layOut(
    open.head.shards.flatMap((_, index) => changes.get(index) ?? open.part(index).secrets),
    (secrets, index, of) => put(secrets, open.head.keyId, index, of),
  );
}

type Put = (secrets: readonly StoredSecret[], keyId: string, index: number, of: number) => Shard;

function layOut(all: readonly StoredSecret[], put: (secrets: readonly StoredSecret[], index: number, of: number) => Shard): Shard[] {
  let count = 1;
  while (all.length > SECRETS_PER_PART * count) count *= 2;
  const groups = Array.from({ length: count }, (): StoredSecret[] => []);
  for (const secret of all) groups[shardOf(keyOf(secret.scope, secret.name), count)]?.push(secret);
  return groups.map((secrets, index) => put(secrets, index, count));
}

/** The head and parts of a vault that holds these secrets, all under one key. */
export function newTree(
  home: Home,
  secrets: readonly StoredSecret[],
  generation: number,
  { lock, formerAudit }: Pick<Head, 'lock' | 'formerAudit'> = { lock: 'open', formerAudit: [] },
): Generation {
  const made = new Map<string, Part>();
  const keyId = home.keys.fingerprint;
  const shards = layOut(secrets, (group, index, of) => putPart(made, home, group, index, of));
  const head = { format: FORMAT, vaultId: home.vaultId, keyId, generation, lock, formerAudit, shards } as const;
  return generationOf(formatHead(head, home), shards, made);
}

function putPart(made: Map<string, Part>, home: Home, secrets: readonly StoredSecret[], index: number, of: number): Shard {
  const part = randomBytes(12).toString('hex');
  made.set(part, partOf(secrets));
  return { part, keyId: home.keys.fingerprint, count: secrets.length, mac: shardMac(home, index, of, secrets) };
}
