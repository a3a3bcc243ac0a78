import { isSecretsError } from '../shared/errors';
import type { NeededKeys } from './fileKeyStore';
import { parseHead } from './head';
import { parseFirst } from './migrate';

/** The keys that a vault needs, by what its store holds. @param text a head of any format. @throws SecretsError `vaultDamaged`, `vaultNewer`. */
export function keysNeededBy(text: string): NeededKeys {
  const head = parseHead(text);
  if (head === undefined) {
    const { vaultId, keyId } = parseFirst(text);
    return { vaultId, keyIds: [keyId] };
  }
  const { vaultId, keyId, nextKeyId, shards } = head;
  const keyIds = [keyId, ...(nextKeyId === undefined ? [] : [nextKeyId]), ...shards.map((shard) => shard.keyId)];
  return { vaultId, keyIds: [...new Set(keyIds)] };
}

/** The vaults that these heads are of, each once. What is no head is passed over. */
export function vaultsOf(heads: readonly string[]): string[] {
  const ids = heads.flatMap((text) => {
    try {
      return [keysNeededBy(text).vaultId];
    } catch {
      return [];
    }
  });
  return [...new Set(ids)];
}

/**
 * How new a stored head is: higher is newer; 0 for what has no generation or cannot be read; Infinity for what a later version
 * of the product has written: nothing that this one knows may take its place.
 */
export function generationOf(text: string): number {
  try {
    return parseHead(text)?.generation ?? 0;
  } catch (error) {
    return isSecretsError(error, 'vaultNewer') ? Infinity : 0;
  }
}
