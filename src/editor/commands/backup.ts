import { basename } from 'node:path';
import * as vscode from 'vscode';
import { writeFileAtomic } from '../../shared/atomicFile';
import { systemClock } from '../../shared/clock';
import { SecretsError } from '../../shared/errors';
import { storeFailure } from '../../shared/storeFailure';
import { createBackup } from '../../vault/backup/backup';
import type { LockingKey } from '../../vault/backup/key';
import type { Damage } from '../../vault/opening';
import type { SecretSnapshot } from '../../vault/secret';
import { notify } from '../notify';
import { labelOf } from '../secretRef';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import { askLockingKey, forgetKey } from './backupKey';
import type { WorkspaceCommand } from './command';
import { askWhereToSave } from './files';
import type { FileKind } from './files';

/** The command that makes a backup. */
export const backupCommands = {
  'mcpSecrets.createBackup': { needs: 'vault', run: makeBackup },
} satisfies Record<string, WorkspaceCommand>;

/** Files in the age format. */
export const AGE_FILE: FileKind = { name: 'Encrypted backup', ending: 'age' };

const TITLE = 'Create Backup';

/** Writes all secrets of the workspace, and its servers file, into one encrypted file. */
async function makeBackup(workspace: Workspace): Promise<void> {
  const { vaults, servers, folder } = workspace;
  await vaults.load();
  if (vaults.list().length === 0 && servers.text() === '')
    throw new SecretsError('backupFailed', { why: 'there are no secrets and no servers here' });
  const withUser = vaults.user.size === 0 ? false : await askWhetherWithUser(workspace);
  if (withUser === undefined) return;
  const key = await askLockingKey(TITLE);
  if (key === undefined) return;
  try {
    const path = await askWhereToSave(TITLE, `mcp-secrets-${folder.name}`, AGE_FILE);
    if (path === undefined) return;
    const progress = { location: vscode.ProgressLocation.Notification, title: 'Making the backup' };
    const made = await workspace.passphrase.during(async () =>
      vscode.window.withProgress(progress, () => write(workspace, path, withUser, key)),
    );
    tell(path, made);
  } finally {
    forgetKey(key);
  }
}

async function askWhetherWithUser({ vaults: { workspace, user } }: Workspace): Promise<boolean | undefined> {
  const items = [
    { label: 'Secrets of this workspace', description: count(workspace.size, 'secret'), withUser: false },
    { label: 'Also those of the user', description: `${count(user.size, 'secret')} that all workspaces share`, withUser: true },
  ];
  return (await vscode.window.showQuickPick(items, { title: TITLE, placeHolder: 'Which secrets?', ignoreFocusOut: true }))?.withUser;
}

/** What a backup holds, and what it lacks. */
interface Made {
  readonly secrets: number;
  readonly versions: number;
  readonly hasServers: boolean;
  readonly damage: readonly Damage[];
}

async function write({ vaults, servers, folder, audit }: Workspace, path: string, withUser: boolean, key: LockingKey): Promise<Made> {
  const damage = [...(await vaults.workspace.check()), ...(withUser ? await vaults.user.check() : [])];
  const serversFile = servers.text();
  const snapshots = await vaults.snapshot(withUser);
  const file = await createBackup({ snapshots, serversFile, workspace: folder.name, clock: systemClock, key });
  try {
    writeFileAtomic(path, file);
  } catch (error) {
    throw storeFailure(path, error);
  }
  audit.record({ actor: 'user', action: 'backup.create', secrets: snapshots.map(({ name }) => name), outcome: 'ok' });
  return { secrets: snapshots.length, versions: versionsOf(snapshots), hasServers: serversFile !== '', damage };
}

function versionsOf(snapshots: readonly SecretSnapshot[]): number {
  return snapshots.reduce((sum, { versions }) => sum + versions.length, 0);
}

function tell(path: string, { secrets, versions, hasServers, damage }: Made): void {
  const holds = `${basename(path)} holds ${count(secrets, 'secret')} with ${count(versions, 'version')}${hasServers ? ' and the servers file' : ''}.`;
  if (damage.length === 0) {
    void notify('info', `${holds} Try it before you need it: "MCP Secrets: Restore Backup" shows what is inside.`);
    return;
  }
  const lost = damage.map((one) => labelOf(one) + (one.version === undefined ? '' : ` v${String(one.version)}`)).join(', ');
  void notify('warning', `${holds} Left out, because it cannot be opened: ${lost}.`);
}
