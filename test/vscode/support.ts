import * as assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import type { Container } from '../../src/editor/container';
import type { Workspace } from '../../src/editor/workspace';
import type { Exports } from '../../src/extension';

export { eventually, uiLimitMs } from '../host/eventually';

/** The extension under test, activated. */
export async function activated(): Promise<Exports & { readonly container: Container; readonly workspace: Workspace }> {
  const extension = vscode.extensions.getExtension<Exports>('mcp-secrets.mcp-secrets');
  assert.ok(extension, 'the extension is not there');
  const exports = await extension.activate();
  const { container } = exports;
  assert.ok(container?.workspace, 'the extension did not take this for a test run in a folder');
  return { ...exports, container, workspace: container.workspace };
}

/** Replaces the servers file of the open folder, or removes it. Returns its address. */
export function writeServersFile({ folder }: Workspace, content: string | object | undefined): vscode.Uri {
  const uri = vscode.Uri.joinPath(folder.uri, '.vscode', 'mcp-secrets.json');
  mkdirSync(dirname(uri.fsPath), { recursive: true });
  if (content === undefined) rmSync(uri.fsPath, { force: true });
  else writeFileSync(uri.fsPath, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
  return uri;
}

/** Deletes every secret, server and approval of the open folder. */
export async function reset(workspace: Workspace): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  const { vaults } = workspace;
  for (const scope of new Set(vaults.list().map((info) => info.scope))) await vaults.of(scope).deleteScope(scope, 'user');
  for (const name of workspace.servers.file().servers.keys()) await workspace.approvals.revoke(name, 'user');
  writeServersFile(workspace, undefined);
}

/** The label, description and context value of an item of a view. */
export function seen<T>(view: vscode.TreeDataProvider<T>, node: T): { label: string; description: string; context: string } {
  const { label = '', description = '', contextValue = '' } = view.getTreeItem(node) as vscode.TreeItem;
  return { label: typeof label === 'string' ? label : label.label, description: String(description), context: contextValue };
}
