import * as vscode from 'vscode';
import { SecretsError } from '../../shared/errors';
import { USER_SCOPE } from '../../vault/secret';
import type { Vault } from '../../vault/vault';
import type { Vaults } from '../../vault/vaults';
import { showRotation } from '../keyRotation';
import { askInDialog, notify } from '../notify';
import { askNewPassphrase } from '../passphrase';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { confirm } from './pick';

/** The commands about the vault as a whole and its key. */
export const vaultCommands = {
  'mcpSecrets.lockVault': { needs: 'trust', run: ({ vaults }) => vaults.lock('user') },
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

async function unlock({ vaults, keys, passphrase, messages }: Workspace): Promise<void> {
  await passphrase.during(() => keys.prepare());
  await vaults.unlock('user');
  messages.done('The vault is unlocked');
}

/** No question first: whoever calls this has no time. */
async function panic(workspace: Workspace): Promise<void> {
  await workspace.vaults.lock('user', 'panic');
  const unlockTitle = 'Unlock';
  // Not waited for: the command is done.
  void notify(
    'warning',
    'The vault is locked, servers are stopped, calls have ended, and agents outside VS Code need new tokens. Nothing was deleted.',
    unlockTitle,
  ).then((chosen) => (chosen === unlockTitle ? vscode.commands.executeCommand('mcpSecrets.unlockVault') : undefined));
}

async function rotateKey({ vaults, messages }: Workspace): Promise<void> {
  const detail = 'Every secret and version is sealed under a new key, and the old key is destroyed. Servers and agents notice nothing.';
  const among = vaults.user.size === 0 ? [vaults.workspace] : both(vaults);
  const chosen = await chooseVault(vaults, among, 'Replace Key', 'Which vault gets a new key?');
  if (chosen === undefined) return;
  if (!(await confirm('Replace the key of this vault?', detail, 'Replace Key'))) return;
  const done = await showRotation(chosen, (progress) => chosen.rotateKey('user', progress));
  messages.done(
    done ? `The vault has a new key (${count(chosen.size, 'secret')})` : 'There is no vault yet, so there is no key to replace',
  );
}

/** One of these vaults; asks where there are several. */
async function chooseVault({ user }: Vaults, among: readonly Vault[], title: string, placeHolder: string): Promise<Vault | undefined> {
  if (among.length === 1) return among[0];
  const items = among.map((vault) =>
    vault === user
      ? { label: 'All workspaces', description: `${sizeOf(vault)} of the scope "${USER_SCOPE}"`, vault }
      : { label: 'This workspace', description: sizeOf(vault), vault },
  );
  return (await vscode.window.showQuickPick(items, { title, placeHolder }))?.vault;
}

/** The vault that does not open, if it is one: the other is left alone. If both can be opened, as far as can be told, the workspace's own. */
async function chooseBroken(vaults: Vaults, title: string, placeHolder: string): Promise<Vault | undefined> {
  const broken: Vault[] = [];
  for (const vault of both(vaults)) if (!(await vault.isFine().catch(() => true))) broken.push(vault);
  return chooseVault(vaults, broken.length === 0 ? [vaults.workspace] : broken, title, placeHolder);
}

function both({ workspace, user }: Vaults): Vault[] {
  return [workspace, user];
}

function sizeOf(vault: Vault): string {
  try {
    return count(vault.size, 'secret');
  } catch {
    return 'secrets';
  }
}

/** What a question adds about whose vault it means. */
function whose(vault: Vault, { user }: Vaults): string {
  return vault === user ? ` of the scope "${USER_SCOPE}"` : '';
}

async function protectKey({ audit, keys, vaults, passphrase, messages }: Workspace): Promise<void> {
  // First the one that there is, if there is one.
  await passphrase.during(() => vaults.workspace.check());
  const protects = `the secrets of this workspace. Those of the scope "${USER_SCOPE}" have a key of their own, in VS Code's secret storage`;
  const entered = await askNewPassphrase('Protect the Key of This Workspace with a Passphrase', protects);
  if (entered === undefined) return;
  try {
    await keys.protect(entered);
  } finally {
    entered.fill(0);
  }
  audit.record({ actor: 'user', action: 'key.protect', outcome: 'ok' });
  messages.done('The key of this workspace needs a passphrase from now on');
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
  void notify('info', `All ${count(vaults.workspace.size + vaults.user.size, 'secret')} open, with all their versions.`);
}

async function recoverVault({ vaults }: Workspace): Promise<void> {
  const detail =
    'What is stored is accepted as it is, as far as it proves itself; if it cannot be read, the state before its last change is taken. Nothing is deleted.';
  const chosen = await chooseBroken(vaults, 'Recover Vault', 'Which vault is to be recovered?');
  if (chosen === undefined || !(await confirm(`Recover the vault${whose(chosen, vaults)}?`, detail, 'Recover'))) return;
  const { kept, unreadable, missing } = await chosen.recover('user');
  const lost =
    unreadable.length === 0 ? '' : ` These cannot be opened: ${unreadable.map(({ scope, name }) => `${scope}/${name}`).join(', ')}.`;
  const gone = missing === 0 ? '' : ` ${String(missing)} more were there and are gone: restore a backup.`;
  void notify('info', `${count(kept, 'secret')} can be used.${lost}${gone}`);
}

async function startFresh({ vaults }: Workspace): Promise<void> {
  const chosen = await chooseBroken(vaults, 'Start Fresh', 'Which vault is to be moved aside?');
  if (chosen === undefined) return;
  if (await chosen.isFine()) throw new SecretsError('vaultIsFine', {});
  const detail = 'The vault is moved aside, not deleted. Its secrets have to be set again, or restored from a backup.';
  if (!(await confirm(`Begin a new vault${whose(chosen, vaults)}?`, detail, 'Start Fresh'))) return;
  const where = await chosen.startFresh('user');
  void notify('info', `The vault was moved to ${where}. A new one begins with the next secret.`);
}

/** The word to type: a click can be a slip, this cannot. */
const WORD = 'destroy';

async function destroyAll({ vaults, folder, messages }: Workspace): Promise<void> {
  const { size } = vaults.workspace;
  const backup = 'Create Backup First';
  const detail = `${count(size, 'secret')} of ${folder.name} with all versions, those that Start Fresh has moved aside, and the key. Only a backup can bring them back.`;
  const chosen = await askInDialog('Destroy all secrets of this workspace?', detail, backup, 'Destroy…');
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
