import { SecretsError } from '../shared/errors';
import type { TreeStore } from '../shared/treeStore';
import { parseHead } from './head';
import type { Head } from './head';
import type { Keeper } from './keeper';
import type { StoredSecret } from './part';
import type { KeyStore } from './ports';
import { newTree, OpenTree, Tree } from './tree';
import { partOf } from './part';
import type { VaultKeys } from './keys';

/** What came of a recovery. */
export interface Recovered {
  /** How many secrets prove themselves. */
  readonly kept: number;
  /** Those that do not; they stay where they are, and are not used. */
  readonly unreadable: readonly { readonly scope: string; readonly name: string }[];
  /** Whether the current state could not be read at all, so that the one before it was taken. */
  readonly previous: boolean;
}

/**
 * Makes a vault usable that was put back to an earlier state, changed from outside or damaged: what still proves itself
 * becomes the newest generation. What was stored remains as the previous generation.
 * @throws SecretsError `vaultDamaged` if nothing can be read, `keyLost`.
 */
export async function recover(keeper: Keeper, store: TreeStore, keys: KeyStore): Promise<Recovered> {
  let result: Recovered | undefined;
  await keeper.rebuild(async (text) => {
    const current = readable(text);
    const head = current ?? readable(store.previous());
    if (head === undefined) throw new SecretsError('vaultDamaged', { what: 'neither it nor the state before it' });
    const secrets = await salvaged(keeper, head);
    const home = { vaultId: head.vaultId, keys: await keysOrThrow(keeper, head) };
    const generation = Math.max(head.generation, await keys.generation(head.vaultId)) + 1;
    const unreadable = secrets.filter(({ sound }) => !sound).map(({ scope, name }) => ({ scope, name }));
    result = { kept: secrets.length - unreadable.length, unreadable, previous: current === undefined };
    return newTree(home, secrets, generation, head.formerAudit);
  });
  if (result === undefined) throw new SecretsError('vaultDamaged', { what: 'the store made no change' });
  return result;
}

function readable(text: string | undefined): Head | undefined {
  try {
    return text === undefined ? undefined : parseHead(text);
  } catch {
    return undefined;
  }
}

async function keysOrThrow(keeper: Keeper, { vaultId, keyId }: Head): Promise<VaultKeys> {
  const keys = await keeper.keysOf(vaultId, keyId);
  if (keys === undefined) throw new SecretsError('keyLost', {});
  return keys;
}

async function salvaged(keeper: Keeper, head: Head): Promise<(StoredSecret & { sound: boolean })[]> {
  if (head.shards.some(({ keyId }) => keyId !== head.keyId)) {
    throw new SecretsError('vaultAltered', { what: 'while its key was being replaced; finish that first ("mcp-secrets key rotate")' });
  }
  const keys = new Map([[head.keyId, await keysOrThrow(keeper, head)]]);
  const open = new OpenTree(new Tree(head, ({ part }) => keeper.partOf(part) ?? partOf([])), keys);
  return head.shards.flatMap((_, index) => open.salvage(index));
}
