import * as vscode from 'vscode';
import type { SecretRef } from './secretRef';
import { addSecret } from './commands/secrets';
import { notify } from './notify';
import { keyOf, labelOf } from './secretRef';
import type { Workspace } from './workspace';

const SILENT_KEY = 'backupOffer/silent';
/** When everything else has started. */
const FIRST_MS = 3_000;
/** A notification has no room for more. */
const NAMES_SHOWN = 3;

const RESTORE = 'Restore Backup…';
const ADD = 'Add Secrets';
const NEVER = 'Do Not Show Again';

/** Where a folder names secrets and has no vault, offers once a window to fill one: it was cloned again, or came from another machine. */
export function registerBackupOffer(workspace: Workspace, storage: vscode.Memento): vscode.Disposable {
  const timer = setTimeout(() => {
    void offerBackup(workspace, storage);
  }, FIRST_MS);
  timer.unref();
  return new vscode.Disposable(() => {
    clearTimeout(timer);
  });
}

/** Makes the offer, if there is a reason for it. Resolves when the user has answered. */
export async function offerBackup(workspace: Workspace, storage: vscode.Memento): Promise<void> {
  if (!vscode.workspace.isTrusted || storage.get(SILENT_KEY) === true) return;
  const wanted = await secretsWithoutVault(workspace);
  if (wanted.length === 0) return;
  const first = wanted.slice(0, NAMES_SHOWN).map(labelOf).join(', ');
  const names = wanted.length > NAMES_SHOWN ? `${first} and ${String(wanted.length - NAMES_SHOWN)} more` : first;
  const message = `The servers of this folder need ${names}, and there are no secrets here yet. Restore them from a backup, or add them.`;
  const answer = await notify('info', message, RESTORE, ADD, NEVER);
  if (answer === RESTORE) await vscode.commands.executeCommand('mcpSecrets.restoreBackup');
  if (answer === ADD) await addAll(workspace, wanted);
  if (answer === NEVER) await storage.update(SILENT_KEY, true);
}

/** The secrets that servers are bound to, if there is no vault. What cannot be read is said elsewhere. */
async function secretsWithoutVault({ vaults, servers }: Workspace): Promise<SecretRef[]> {
  try {
    if (vaults.workspace.size > 0 || (await vaults.state()) !== 'ready') return [];
    const bound = [...servers.file().servers.values()].flatMap(({ scope, bindings }) =>
      bindings.map(({ secret }) => ({ scope, name: secret })),
    );
    const missing = bound.filter(({ scope, name }) => vaults.infoOf(name, scope) === undefined);
    return [...new Map(missing.map((secret) => [keyOf(secret), secret])).values()];
  } catch {
    return [];
  }
}

/** Asks for one value after the other, until the user has enough. */
async function addAll(workspace: Workspace, wanted: readonly SecretRef[]): Promise<void> {
  try {
    for (const secret of wanted) if ((await addSecret(workspace, { secret })) === undefined) return;
  } catch (error) {
    await workspace.messages.showError(error);
  }
}
