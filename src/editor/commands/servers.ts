import * as vscode from 'vscode';
import { removeServer as withoutServer } from '../../bindings/edit';
import { SecretsError } from '../../shared/errors';
import { viewIds } from '../ids';
import { changeServersFile, showServersFile } from '../serversDocument';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { confirm, nameIn, pickServer, pickServerName } from './pick';

/** The commands about servers that are in the file. */
export const serverCommands = {
  'mcpSecrets.editServer': { needs: 'folder', run: editServer },
  'mcpSecrets.openServersFile': { needs: 'folder', run: (workspace) => showServersFile(workspace) },
  'mcpSecrets.removeServer': { needs: 'trust', run: removeServer },
  'mcpSecrets.startServer': { needs: 'trust', run: startServer },
  'mcpSecrets.stopServer': { needs: 'trust', run: stopServer },
} satisfies Record<string, WorkspaceCommand>;

async function editServer(workspace: Workspace, argument: unknown): Promise<void> {
  const name = await pickServerName(workspace, argument, 'Edit Server');
  if (name !== undefined) await showServersFile(workspace, name);
}

async function removeServer(workspace: Workspace, argument: unknown): Promise<void> {
  const name = nameIn(argument) ?? (await pickServerName(workspace, undefined, 'Remove Server'));
  if (name === undefined) return;
  const detail = 'It is taken out of the servers file and out of use. Its secrets stay.';
  if (!(await confirm(`Remove server "${name}"?`, detail, 'Remove'))) return;
  await workspace.proxy.stopServer(name);
  await changeServersFile(workspace, (text) => withoutServer(text, name));
  await workspace.approvals.revoke(name, 'user');
  workspace.audit.record({ actor: 'user', action: 'server.remove', server: name, outcome: 'ok' });
  workspace.messages.done(`Server ${name} removed`);
}

/** Tries a server: whoever starts one wants to know whether it works. */
async function startServer(workspace: Workspace, argument: unknown): Promise<void> {
  const server = await pickServer(workspace, argument, 'Start Server');
  if (server === undefined) return;
  if (!(await workspace.approvalDialog.ask(server))) throw new SecretsError('serverUnapproved', { server: server.name });
  const tools = await vscode.window.withProgress({ location: { viewId: viewIds.servers } }, () => workspace.proxy.startServer(server.name));
  workspace.messages.done(`Server ${server.name} works: ${count(tools, 'tool')}`);
}

async function stopServer(workspace: Workspace, argument: unknown): Promise<void> {
  const name = await pickServerName(
    workspace,
    argument,
    'Stop Server',
    (server) => workspace.proxy.status(server.name).state !== 'stopped',
  );
  if (name === undefined) return;
  await workspace.proxy.stopServer(name);
  workspace.messages.done(`Server ${name} stopped`);
}
