import { SecretsError } from '../shared/errors';
import type { TreeStore } from '../shared/treeStore';
import { isSound, lockOf, parseHead } from './head';
import type { Head } from './head';
import type { Keeper } from './keeper';
import type { VaultKeys } from './keys';
import { migrated, parseFirst } from './migrate';
import type { FirstDocument } from './migrate';
import { keyOf, partOf } from './part';
import type { KeyStore } from './ports';
import type { Home } from './record';
import { resealed } from './reseal';
import { newTree, OpenTree, Tree, withProof } from './tree';
import type { ProvenSecret } from './tree';

/** What came of a recovery. */
export interface Recovered {
  /** How many secrets prove themselves. */
  readonly kept: number;
  /** Those that do not; they stay where they are, and are not used. */
  readonly unreadable: readonly { readonly scope: string; readonly name: string }[];
  /** How many more there were, of which nothing is left, as far as that can be told. */
  readonly missing: number;
  /** Whether the current state could not be read at all, so that the one before it was taken. */
  readonly previous: boolean;
}

/** What is left of one stored state. */
interface Remains {
  readonly home: Home;
  /** 0 if the head does not prove itself. */
  readonly generation: number;
  readonly head: Pick<Head, 'lock' | 'asked' | 'formerAudit'>;
  readonly secrets: readonly ProvenSecret[];
  readonly missing: number;
  /** Whether all of its parts are there. */
  readonly whole: boolean;
}

/**
 * Makes a vault usable that was put back to an earlier state, changed from outside or damaged: what still proves itself
 * becomes the newest generation. What was stored remains as the previous generation. A lock stays.
 * @throws SecretsError `vaultUnrecoverable` if nothing can be read, `keyLost`.
 */
export async function recover(keeper: Keeper, store: TreeStore, keys: KeyStore): Promise<Recovered> {
  let result: Recovered | undefined;
  await keeper.rebuild(async (text) => {
    const states = [await remainsOf(keeper, text), await remainsOf(keeper, store.previous())];
    const left = states.filter((state) => typeof state === 'object');
    const best = left.find(({ whole }) => whole) ?? left[0];
    if (best === undefined) {
      if (states.includes('keyLost')) throw new SecretsError('keyLost', {});
      throw new SecretsError('vaultUnrecoverable', {});
    }
    const { home, secrets, missing, head } = best;
    const unreadable = secrets.filter(({ sound }) => !sound).map(({ scope, name }) => ({ scope, name }));
    result = { kept: secrets.length - unreadable.length, unreadable, missing, previous: best !== states[0] };
    return newTree(home, secrets, Math.max(best.generation, await keys.generation(home.vaultId)) + 1, { ...head, lock: lockOf(head) });
  });
  if (result === undefined) throw new SecretsError('vaultDamaged', { what: 'the store made no change' });
  return result;
}

async function remainsOf(keeper: Keeper, text: string | undefined): Promise<Remains | 'keyLost' | undefined> {
  const document = readable(text);
  if (document === undefined) return undefined;
  const ids = document.format === 1 ? [document.keyId] : [document.keyId, document.nextKeyId, ...document.shards.map((s) => s.keyId)];
  const found: VaultKeys[] = [];
  for (const id of new Set(ids)) {
    const keys = id === undefined ? undefined : await keeper.keysOf(document.vaultId, id);
    if (keys !== undefined) found.push(keys);
  }
  const [first] = found;
  if (first === undefined) return 'keyLost';
  if (document.format === 1) return remainsOfFirst(document, { vaultId: document.vaultId, keys: first });
  return remainsOfTree(keeper, document, found, { vaultId: document.vaultId, keys: first });
}

function readable(text: string | undefined): Head | FirstDocument | undefined {
  try {
    return text === undefined ? undefined : (parseHead(text) ?? parseFirst(text));
  } catch {
    return undefined;
  }
}

function remainsOfFirst(document: FirstDocument, home: Home): Remains {
  const secrets = migrated(document, home).map((secret) => withProof(secret, home));
  return { home, generation: 0, head: { lock: 'open', formerAudit: [] }, secrets, missing: 0, whole: true };
}

/** Secrets that are sealed under another key than `home` are sealed under that: the vault has one key when this is done. */
function remainsOfTree(keeper: Keeper, head: Head, found: readonly VaultKeys[], home: Home): Remains {
  const parts = head.shards.map(({ part }) => keeper.partOf(part));
  const indexes = new Map(head.shards.map((shard, index) => [shard, index]));
  const tree = new Tree(head, (shard) => parts[indexes.get(shard) ?? -1] ?? partOf([]));
  const open = new OpenTree(tree, new Map(found.map((keys) => [keys.fingerprint, keys])));
  const homes = found.map((keys) => ({ vaultId: head.vaultId, keys }));
  const secrets = new Map<string, ProvenSecret>();
  for (const [index] of head.shards.entries())
    for (const { secret, from } of salvaged(open, index, homes)) {
      const key = keyOf(secret.scope, secret.name);
      if (secrets.get(key)?.sound === true) continue;
      const sealed = from === undefined || from.keys === home.keys ? secret : resealed(secret, secret.sound, from, home);
      secrets.set(key, { ...sealed, sound: secret.sound });
    }
  const sound = found.some((keys) => keys.fingerprint === head.keyId && isSound(head, { vaultId: head.vaultId, keys }));
  return {
    home,
    generation: sound ? head.generation : 0,
    head,
    secrets: [...secrets.values()],
    missing: sound ? Math.max(0, tree.count - secrets.size) : 0,
    whole: !parts.includes(undefined),
  };
}

/** The secrets of a part, with the key that each is sealed under: all of them if the part proves itself, else each that does. */
function salvaged(open: OpenTree, index: number, homes: readonly Home[]): { secret: ProvenSecret; from: Home | undefined }[] {
  try {
    const from = open.home(open.head.shards[index]?.keyId ?? '');
    return open.part(index).secrets.map((secret) => ({ secret, from }));
  } catch {
    return open.tree.part(index).secrets.map((stored) => {
      const from = homes.find((home) => withProof(stored, home).sound);
      return { secret: { ...stored, sound: from !== undefined }, from };
    });
  }
}
