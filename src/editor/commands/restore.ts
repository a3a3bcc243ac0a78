import * as vscode from 'vscode';
import { compareServers, mergeServers } from '../../bindings/compare';
import { SecretsError } from '../../shared/errors';
import { MAX_BACKUP_BYTES } from '../../vault/backup/backup';
import { eraseValues } from '../../vault/backup/document';
import type { Backup } from '../../vault/backup/document';
import { previewRestore } from '../../vault/backup/restore';
import { notify } from '../notify';
import { changeServersFile, openServersDocument } from '../serversDocument';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import { AGE_FILE } from './backup';
import { openBackup } from './backupKey';
import type { WorkspaceCommand } from './command';
import { askWhatToOpen, readWhole } from './files';
import { confirm } from './pick';
import { pickRestore } from './pickRestore';
import type { Chosen } from './pickRestore';

/** The command that restores a backup. */
export const restoreCommands = {
  'mcpSecrets.restoreBackup': { needs: 'trust', run: restoreBackup },
} satisfies Record<string, WorkspaceCommand>;

const TITLE = 'Restore Backup';

/** Shows what is in a backup, and takes over what the user chooses: also into a vault that has to make room first. */
async function restoreBackup(workspace: Workspace): Promise<void> {
  const usable = await isUsable(workspace);
  const path = await askWhatToOpen(TITLE, 'Restore', AGE_FILE);
  if (path === undefined) return;
  const backup = await openBackup(await readWhole(path, MAX_BACKUP_BYTES), TITLE);
  if (backup === undefined) return;
  try {
    await workspace.passphrase.during(() => chooseAndRestore(workspace, usable, backup));
  } finally {
    eraseValues(backup.secrets);
  }
}

async function chooseAndRestore(workspace: Workspace, usable: boolean, backup: Backup): Promise<void> {
  const { vaults, servers } = workspace;
  await (usable ? vaults : vaults.user).load();
  // What is in a vault that does not open cannot be compared, and has to make room.
  const planned = await previewRestore(backup.secrets, usable ? vaults : vaults.user);
  const compared = compareServers(servers.text(), backup.serversFile ?? '');
  const chosen = await pickRestore(TITLE, backup, planned, compared);
  if (chosen === undefined) return;
  if (chosen.secrets.length + chosen.servers.length === 0) {
    workspace.messages.done('Nothing was chosen, so nothing was changed');
    return;
  }
  // On paper first: it fails where the servers file here has a syntax error.
  withServers(backup, chosen, openServersDocument(workspace)?.getText() ?? servers.text());
  if (!usable && !(await makeRoom(workspace))) return;
  await restore(workspace, backup, chosen);
  tell(chosen);
}

/** Whether secrets can be added to the vault as it is. @throws SecretsError a state that the user can end. */
async function isUsable({ vaults }: Workspace): Promise<boolean> {
  const state = await vaults.state().catch(() => 'error' as const);
  if (state === 'keyLost' || state === 'error') return false;
  if (state !== 'ready') throw new SecretsError(state, {});
  return true;
}

async function makeRoom({ vaults }: Workspace): Promise<boolean> {
  const detail = 'It is not deleted: its file gets another name. What you have chosen goes into a new vault.';
  if (!(await confirm('Move the vault that cannot be opened aside?', detail, 'Move and Restore'))) return false;
  await vaults.workspace.startFresh('user');
  return true;
}

async function restore(workspace: Workspace, backup: Backup, chosen: Chosen): Promise<void> {
  await workspace.vaults.restore(
    chosen.secrets.map(({ snapshot }) => snapshot),
    'user',
  );
  if (chosen.servers.length === 0) return;
  await changeServersFile(workspace, (text) => withServers(backup, chosen, text));
  for (const { name, state } of chosen.servers)
    workspace.audit.record({ actor: 'user', action: state === 'new' ? 'server.add' : 'server.update', server: name, outcome: 'ok' });
}

/** The text of the servers file with the servers that were chosen. @throws SecretsError `serversFileInvalid`. */
function withServers({ serversFile = '' }: Backup, { servers }: Chosen, text: string): string {
  const names = servers.map(({ name }) => name);
  return names.length === 0 ? text : mergeServers(text, serversFile, names);
}

function tell({ secrets, servers }: Chosen): void {
  const what = [
    ...(secrets.length > 0 ? [count(secrets.length, 'secret')] : []),
    ...(servers.length > 0 ? [count(servers.length, 'server')] : []),
  ];
  const done = `Restored ${what.join(' and ')}.`;
  const approve = 'Approve Server…';
  if (servers.length === 0) void notify('info', done);
  else
    void notify('info', `${done} Servers from a backup must be approved before they are used.`, approve).then((chosen) =>
      chosen === approve ? vscode.commands.executeCommand('mcpSecrets.approveServer') : undefined,
    );
}
