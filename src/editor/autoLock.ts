import * as vscode from 'vscode';
import type { AuditEntry } from '../audit/entry';
import type { Workspace } from './workspace';

const MINUTE_MS = 60_000;

/** Locks the vault of this window when nobody has used it for as long as the setting says. Other windows look after themselves. */
export function registerAutoLock(workspace: Workspace): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    const minutes = vscode.workspace.getConfiguration('mcpSecrets').get('autoLock', 0);
    timer = minutes > 0 ? setTimeout(lock, minutes * MINUTE_MS) : undefined;
  };
  const lock = (): void => {
    const { vaults, audit } = workspace;
    if (vaults.workspace.size === 0 || vaults.lockState() !== 'open') return;
    vaults.workspace.close();
    audit.record({ actor: 'product', action: 'vault.lock', outcome: 'ok' });
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
