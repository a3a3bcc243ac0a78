import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { FileTreeStore } from '../shared/fileTreeStore';
import { FileKeyStore } from '../vault/fileKeyStore';
import type { NeededKeys } from '../vault/fileKeyStore';
import { KeyFile } from '../vault/keyFile';
import type { AskPassphrase } from '../vault/keyFile';
import { keysNeededBy } from '../vault/neededKeys';
import { VAULT_FILE, vaultPaths } from './homeVaults';

const ARCHIVE_START = 'vault.archived-';

/** The keys of all headless vaults of a home. */
export interface HomeKeys {
  readonly file: KeyFile;
  readonly store: FileKeyStore;
  /** The file was named by the user, so other homes may use it too. */
  readonly isShared: boolean;
}

/** @param named the key file that the user named, if so; else it is `key` in the home. Reads and makes nothing. */
export function keysOfHome(home: string, named: string | undefined, ask: AskPassphrase): HomeKeys {
  const isShared = named !== undefined && resolve(named) !== join(home, 'key');
  const file = new KeyFile(isShared ? resolve(named) : join(home, 'key'), ask);
  const neededKeys = (): NeededKeys[] | undefined => neededKeysOf(home);
  const vaultsInUse = (): string[] => vaultPaths(home).map((path) => dirname(path));
  return { file, isShared, store: new FileKeyStore({ file, folder: home, neededKeys, vaultsInUse, shared: isShared }) };
}

/** What the vaults in a home say that they need, archived ones included; `undefined` if one of them cannot be read. */
export function neededKeysOf(home: string): NeededKeys[] | undefined {
  try {
    const folders = [join(home, 'user'), ...subfolders(join(home, 'workspaces'), '')];
    const all = folders.flatMap((folder) => [folder, ...subfolders(folder, ARCHIVE_START)]);
    return all.flatMap((folder) => {
      const head = new FileTreeStore(join(folder, VAULT_FILE)).read();
      return head === undefined ? [] : [keysNeededBy(head)];
    });
  } catch {
    return undefined;
  }
}

function subfolders(folder: string, start: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(start))
    .map((name) => join(folder, name));
}
