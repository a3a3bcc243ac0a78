import * as vscode from 'vscode';
import { isSecretsError, SecretsError } from '../../shared/errors';
import { USER_SCOPE } from '../../vault/secret';
import type { Vault } from '../../vault/vault';
import { showRotation } from '../keyRotation';
import { askNewPassphrase } from '../passphrase';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { confirm } from './pick';

/** The commands about the vault as a whole and its key. */
export const vaultCommands = {
  'mcpSecrets.lockVault': { needs: 'trust', run: (workspace) => lock(workspace, 'locked') },
  'mcpSecrets.unlockVault': { needs: 'trust', run: unlock },
  'mcpSecrets.panic': { needs: 'trust', run: panic },
  'mcpSecrets.rotateKey': { needs: 'vault', run: rotateKey },
  'mcpSecrets.protectKey': { needs: 'vault', run: protectKey },
  'mcpSecrets.unprotectKey': { needs: 'vault', run: unprotectKey },
  'mcpSecrets.checkVault': { needs: 'vault', run: checkVault },
  'mcpSecrets.recoverVault': { needs: 'trust', run: recoverVault },
  'mcpSecrets.startFresh': { needs: 'trust', run: startFresh },
  'mcpSecrets.destroyAllSecrets': { needs: 'trust', run: destroyAll },
} satisfies Record<string, WorkspaceCommand>;

async function lock({ vaults }: Workspace, kind: 'locked' | 'panic'): Promise<void> {
  try {
    await vaults.lock('user', kind);
  } catch (error) {
    // Without the passphrase nothing could be opened here, and nothing can be from now on either.
    if (!isSecretsError(error, 'passphraseNeeded')) throw error;
  }
}

async function unlock({ vaults, keys, passphrase, messages }: Workspace): Promise<void> {
  await passphrase.during(() => keys.prepare());
  await vaults.unlock('user');
  messages.done('The vault is unlocked');
}

/** No question first: whoever calls this has no time. */
async function panic(workspace: Workspace): Promise<void> {
  await lock(workspace, 'panic');
  const unlockTitle = 'Unlock';
  // Not waited for: the command is done.
  void vscode.window
    .showWarningMessage(
      'The vault is locked, servers are stopped, calls have ended, and agents outside VS Code need new tokens. Nothing was deleted.',
      unlockTitle,
    )
    .then((chosen) => (chosen === unlockTitle ? vscode.commands.executeCommand('mcpSecrets.unlockVault') : undefined));
}

async function rotateKey({ vaults, messages }: Workspace): Promise<void> {
  const detail = 'Every secret and version is sealed under a new key, and the old key is destroyed. Servers and agents notice nothing.';
  const chosen = await chooseVault(vaults);
  if (chosen === undefined) return;
  if (!(await confirm('Replace the key of this vault?', detail, 'Replace Key'))) return;
  const done = await showRotation(chosen, (progress) => chosen.rotateKey('user', progress));
  messages.done(
    done ? `The vault has a new key (${count(chosen.size, 'secret')})` : 'There is no vault yet, so there is no key to replace',
  );
}

/** The workspace's own vault, unless there are secrets in the other one, too, and that one is meant. */
async function chooseVault({ workspace, user }: Workspace['vaults']): Promise<Vault | undefined> {
  if (user.size === 0) return workspace;
  const items = [
    { label: 'This workspace', description: count(workspace.size, 'secret'), vault: workspace },
    { label: 'All workspaces', description: `${count(user.size, 'secret')} of the scope "${USER_SCOPE}"`, vault: user },
  ];
  return (await vscode.window.showQuickPick(items, { title: 'Replace Key', placeHolder: 'Which vault gets a new key?' }))?.vault;
}

async function protectKey({ audit, keys, vaults, passphrase, messages }: Workspace): Promise<void> {
  // First the one that there is, if there is one.
  await passphrase.during(() => vaults.workspace.check());
  const entered = await askNewPassphrase('Protect the Key with a Passphrase');
  if (entered === undefined) return;
  try {
    await keys.protect(entered);
  } finally {
    entered.fill(0);
  }
  audit.record({ actor: 'user', action: 'key.protect', outcome: 'ok' });
  messages.done('The key of this vault needs a passphrase from now on');
}

async function unprotectKey({ audit, keys, passphrase, messages }: Workspace): Promise<void> {
  if (!keys.isProtected) {
    messages.done('The key of this vault needs no passphrase');
    return;
  }
  await passphrase.during(() => keys.unprotect());
  audit.record({ actor: 'user', action: 'key.unprotect', outcome: 'ok' });
  messages.done(`The key of this vault is in VS Code's secret storage again`);
}

async function checkVault({ vaults }: Workspace): Promise<void> {
  const damage = [...(await vaults.workspace.check()), ...(await vaults.user.check())];
  const named = damage.map(({ scope, name, version }) => `${scope}/${name}${version === undefined ? '' : ` v${String(version)}`}`);
  if (named.length > 0) throw new SecretsError('secretsDamaged', { named });
  void vscode.window.showInformationMessage(
    `All ${count(vaults.workspace.size + vaults.user.size, 'secret')} open, with all their versions.`,
  );
}

async function recoverVault({ vaults }: Workspace): Promise<void> {
  const detail =
    'What is stored is accepted as it is, as far as it proves itself; if it cannot be read, the state before its last change is taken. Nothing is deleted.';
  if (!(await confirm('Recover the vault?', detail, 'Recover'))) return;
  const { kept, unreadable, missing } = await vaults.workspace.recover('user');
  const lost =
    unreadable.length === 0 ? '' : ` These cannot be opened: ${unreadable.map(({ scope, name }) => `${scope}/${name}`).join(', ')}.`;
  const gone = missing === 0 ? '' : ` ${String(missing)} more were there and are gone: restore a backup.`;
  void vscode.window.showInformationMessage(`${count(kept, 'secret')} can be used.${lost}${gone}`);
}

async function startFresh({ vaults }: Workspace): Promise<void> {
  const state = await vaults.state().catch(() => 'error');
  if (state !== 'keyLost' && state !== 'error') throw new SecretsError('vaultIsFine', {});
  const detail = 'The vault is moved aside, not deleted. Its secrets have to be set again, or restored from a backup.';
  if (!(await confirm('Begin a new vault?', detail, 'Start Fresh'))) return;
  const where = await vaults.workspace.startFresh('user');
  void vscode.window.showInformationMessage(`The vault was moved to ${where}. A new one begins with the next secret.`);
}

/** The word to type: a click can be a slip, this cannot. */
const WORD = 'destroy';

async function destroyAll({ vaults, folder, messages }: Workspace): Promise<void> {
  const { size } = vaults.workspace;
  const backup = 'Create Backup First';
  const detail = `${count(size, 'secret')} of ${folder.name} with all versions, and the key. Only a backup can bring them back.`;
  const chosen = await vscode.window.showWarningMessage(
    'Destroy all secrets of this workspace?',
    { modal: true, detail },
    backup,
    'Destroy…',
  );
  if (chosen === undefined) return;
  if (chosen === backup) {
    await vscode.commands.executeCommand('mcpSecrets.createBackup');
    return;
  }
  const typed = await vscode.window.showInputBox({
    title: 'Destroy All Secrets',
    prompt: `Type "${WORD}" to destroy ${count(size, 'secret')}`,
    ignoreFocusOut: true,
    validateInput: (text) => (text === WORD ? undefined : `Type "${WORD}", or press Escape`),
  });
  if (typed !== WORD) return;
  await vaults.workspace.destroyAll('user');
  messages.done('All secrets of this workspace are destroyed');
}
