import * as vscode from 'vscode';
import type { AuditEntry } from '../audit/entry';
import { messageOf } from '../shared/errors';
import type { Workspace } from './workspace';

const MINUTE_MS = 60_000;

/** Locks the vault of this window when nobody has used it for as long as the setting says. Other windows look after themselves. */
export function registerAutoLock(workspace: Workspace): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    const minutes = vscode.workspace.getConfiguration('mcpSecrets').get<number>('autoLock', 0);
    timer = minutes > 0 ? setTimeout(lock, minutes * MINUTE_MS) : undefined;
  };
  const lock = (): void => {
    try {
      const { vaults, audit } = workspace;
      if (vaults.workspace.size + vaults.user.size === 0 || vaults.lockState() !== 'open') return;
      vaults.workspace.close();
      vaults.user.refresh(); // Drops its key, too.
      audit.record({ actor: 'product', action: 'vault.lock', outcome: 'ok' });
    } catch (error) {
      workspace.log.warn(`The vault could not be locked: ${messageOf(error)}`);
    }
  };
  wait();
  return vscode.Disposable.from(
    workspace.onDidUse((entry) => {
      if (isUse(entry)) wait();
    }),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('mcpSecrets.autoLock')) wait();
    }),
    {
      dispose: () => {
        clearTimeout(timer);
      },
    },
  );
}

/** What the product does by itself does not keep the vault open, nor does what was refused. */
function isUse({ actor, outcome }: AuditEntry): boolean {
  return actor !== 'product' && outcome !== 'refused';
}
