import * as vscode from 'vscode';
import type { AuditEntry } from '../audit/entry';
import { systemClock } from '../shared/clock';
import { messageOf } from '../shared/errors';
import { IdleWatch } from './idleWatch';
import type { Workspace } from './workspace';

const MINUTE_MS = 60_000;

/** Locks the vault of this window when nobody has used it for as long as the setting says. Other windows look after themselves. */
export function registerAutoLock(workspace: Workspace): vscode.Disposable {
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
  const idle = new IdleWatch(systemClock, lock);
  const start = (): void => idle.start(vscode.workspace.getConfiguration('mcpSecrets').get<number>('autoLock', 0) * MINUTE_MS);
  start();
  return vscode.Disposable.from(
    workspace.onDidUse((entry) => {
      // It was locked until now: how long it had not been used before does not matter.
      if (entry.action === 'vault.unlock') start();
      else if (isUse(entry)) idle.used();
    }),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('mcpSecrets.autoLock')) start();
    }),
    idle,
  );
}

/** What the product does by itself does not keep the vault open, nor does what was refused. */
function isUse({ actor, outcome }: AuditEntry): boolean {
  return actor !== 'product' && outcome !== 'refused';
}
