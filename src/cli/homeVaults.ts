import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What the file of a vault's head is called. */
export const VAULT_FILE = 'vault.json';

/** The head files of all vaults of a home: one per workspace, and the user's own. */
export function vaultPaths(home: string): string[] {
  const workspaces = join(home, 'workspaces');
  const folders = existsSync(workspaces) ? readdirSync(workspaces).map((name) => join(workspaces, name)) : [];
  return [...folders, join(home, 'user')].map((folder) => join(folder, VAULT_FILE)).filter((path) => existsSync(path));
}
