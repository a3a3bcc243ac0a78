import { join } from 'node:path';
import * as vscode from 'vscode';
import type { AuditSink } from '../audit/entry';
import { systemClock } from '../shared/clock';
import { FileTreeStore } from '../shared/fileTreeStore';
import type { TreeStore } from '../shared/treeStore';
import type { NeededKeys } from '../vault/fileKeyStore';
import { generationOf, keysNeededBy } from '../vault/neededKeys';
import { USER_SCOPE } from '../vault/secret';
import { Vault } from '../vault/vault';
import { Vaults } from '../vault/vaults';
import type { PassphrasePrompt } from './passphrase';
import { EditorKeyStore } from './stores/editorKeyStore';
import { EditorTreeStore } from './stores/editorTreeStore';
import { STORE_FILE_ENDING } from './stores/workspaceStateStore';

/** What the vaults of a window are made from. */
export interface VaultParts {
  readonly context: vscode.ExtensionContext;
  /** The folder that all windows on this workspace share. */
  readonly folder: string;
  readonly audit: AuditSink;
  readonly passphrase: PassphrasePrompt;
}

/** The vaults of a window, with what their keys and stores can do besides. */
export interface EditorVaults {
  readonly vaults: Vaults;
  /** The keys of the workspace's own vault. */
  readonly keys: EditorKeyStore;
  /** Writes the copy in the workspace state, if it is still to be written. */
  flush(): Promise<void>;
}

/** The folder of the vault that all workspaces of this user on this machine share. */
export function userVaultFolder({ globalStorageUri }: vscode.ExtensionContext): string {
  return join(globalStorageUri.fsPath, 'user');
}

/** Makes the vaults of a window. Reads nothing. */
export function createVaults({ context, folder, audit, passphrase }: VaultParts): EditorVaults {
  const keepVersions = (): number => vscode.workspace.getConfiguration('mcpSecrets').get('keepVersions', 10);
  const shared = { clock: systemClock, audit, keepVersions };
  const ownStore = new EditorTreeStore({ memento: context.workspaceState, folder, name: 'vault', generationOf });
  const ownKeys = keyStoreFor(context, folder, passphrase, ownStore);
  const own = new Vault({
    ...shared,
    store: ownStore,
    keys: ownKeys,
    barrier: () => (vscode.workspace.isTrusted ? undefined : 'untrusted'),
  });
  const userFolder = userVaultFolder(context);
  const userStore = new FileTreeStore(join(userFolder, `vault${STORE_FILE_ENDING}`));
  const user = new Vault({
    ...shared,
    scope: USER_SCOPE,
    store: userStore,
    keys: keyStoreFor(context, userFolder, passphrase, userStore),
    barrier: () => (vscode.workspace.isTrusted ? (own.lockState() === 'open' ? undefined : 'locked') : 'untrusted'),
  });
  return { vaults: new Vaults(own, user), keys: ownKeys, flush: () => ownStore.flush() };
}

function keyStoreFor({ secrets }: vscode.ExtensionContext, folder: string, passphrase: PassphrasePrompt, store: TreeStore): EditorKeyStore {
  const needed = (): NeededKeys | undefined => {
    const head = store.read();
    return head === undefined ? undefined : keysNeededBy(head);
  };
  return new EditorKeyStore(secrets, folder, (which) => passphrase.ask(which), needed);
}
