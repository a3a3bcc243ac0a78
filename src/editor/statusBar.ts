import * as vscode from 'vscode';
import type { StateModel, StateName } from './state';
import type { Workspace } from './workspace';

const TEXTS: Record<StateName, { text: string; tooltip: string }> = {
  ready: { text: '$(key) MCP Secrets', tooltip: 'Show the secrets and MCP servers of this workspace' },
  locked: { text: '$(lock) MCP Secrets: Locked', tooltip: 'The vault is locked: servers receive no secrets until it is unlocked' },
  keyLost: { text: '$(warning) MCP Secrets: Key Lost', tooltip: 'The key of this vault is gone, so its secrets cannot be opened' },
  untrusted: { text: '$(shield) MCP Secrets: Restricted', tooltip: 'Restricted Mode: trust this workspace to use secrets and servers' },
  error: { text: '$(warning) MCP Secrets: Error', tooltip: 'The stored vault cannot be read' },
  noFolder: { text: '', tooltip: '' },
};

/** One short item: how many secrets there are, or what is in the way. Counts once the vault has been looked at. */
export function registerStatusBar(workspace: Workspace | undefined, state: StateModel): vscode.Disposable {
  if (workspace === undefined) return new vscode.Disposable(() => undefined);
  const item = vscode.window.createStatusBarItem('mcpSecrets.status', vscode.StatusBarAlignment.Left);
  item.name = 'MCP Secrets';
  item.command = 'mcpSecrets.secrets.focus';
  const show = (count: string): void => {
    const { text, tooltip } = TEXTS[state.current.name];
    item.text = text + count;
    item.tooltip = isOneOfMany() ? `${tooltip} (folder ${workspace.folder.name}: the first one of the window)` : tooltip;
    item.accessibilityInformation = { label: `${text.replace(/\$\([a-z]+\) /, '')}${count}`, role: 'button' };
    item.show();
  };
  const update = (): void => {
    show(state.current.name === 'ready' ? countOf(workspace) : '');
  };
  show('');
  return vscode.Disposable.from(item, state.onDidChange(update), workspace.onDidChange(update));
}

function countOf({ vaults }: Workspace): string {
  try {
    return `: ${String(vaults.workspace.size + vaults.user.size)}`;
  } catch {
    return ''; // The state is about to say what is wrong.
  }
}

/** Secrets and servers are those of one folder. */
function isOneOfMany(): boolean {
  return (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
}
