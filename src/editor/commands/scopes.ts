import * as vscode from 'vscode';
import { putScope } from '../../bindings/edit';
import { shapeDigest } from '../../bindings/plan';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import { DEFAULT_SCOPE, USER_SCOPE } from '../../vault/secret';
import { byScope, scopeIn, scopeLabel } from '../secretRef';
import { changeServersFile } from '../serversDocument';
import { count, dotted } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { confirm, pickServer } from './pick';
import { scopesOf } from './pickScope';
import { serversIn } from './pickSecret';

/** The commands about scopes. */
export const scopeCommands = {
  'mcpSecrets.switchScope': { needs: 'trust', run: switchScope },
  'mcpSecrets.deleteScope': { needs: 'vault', run: deleteScope },
} satisfies Record<string, WorkspaceCommand>;

/** A dialog has no room for more. */
const NAMES_SHOWN = 20;

/** Has a server take its secrets from another scope, from its next call on. */
async function switchScope(workspace: Workspace, argument: unknown): Promise<void> {
  const before = await pickServer(workspace, argument, 'Switch Scope', ({ bindings }) => bindings.length > 0);
  if (before === undefined) return;
  const scope = await pickScope(workspace, before);
  if (scope === undefined || scope === before.scope) return;
  const wasApproved = workspace.approvals.isApproved(before);
  await changeServersFile(workspace, (text) => putScope(text, before.name, scope));
  const server = workspace.servers.get(before.name);
  workspace.audit.record({
    actor: 'user',
    action: 'scope.switch',
    server: server.name,
    ...(scope === DEFAULT_SCOPE ? {} : { scope }),
    secrets: server.bindings.map(({ secret }) => secret),
    outcome: 'ok',
  });
  // The user has just chosen the scope and nothing else: whatever else is new, or was not approved, must be looked at.
  if (wasApproved && server.scope === scope && shapeDigest(server) === shapeDigest(before))
    await workspace.approvals.approve(server, 'user');
  else await workspace.approvalDialog.ask(server);
  workspace.messages.done(`${server.name} uses the secrets of ${scopeLabel(scope)}`);
}

async function pickScope(workspace: Workspace, server: Server): Promise<string | undefined> {
  const scopes = [...(await scopesOf(workspace))].filter(([scope, secrets]) => secrets > 0 || scope === server.scope);
  const items = scopes.map(([scope]) => {
    const lacks = lacking(workspace, server, scope);
    const what = lacks.length === 0 ? `has ${server.bindings.map(({ secret }) => secret).join(', ')}` : `lacks ${lacks.join(', ')}`;
    return {
      label: scopeLabel(scope),
      description: dotted(scope === server.scope ? 'current' : undefined, what),
      iconPath: new vscode.ThemeIcon(lacks.length === 0 ? 'symbol-namespace' : 'warning'),
      scope,
      lacks: lacks.length,
    };
  });
  items.sort((a, b) => a.lacks - b.lacks || byScope(a.scope, b.scope));
  const placeHolder =
    items.length > 1 ? 'From which scope does it take its secrets?' : 'There is no other scope with secrets yet: add a secret to one first';
  return (await vscode.window.showQuickPick(items, { title: `Switch Scope of ${server.name}`, placeHolder }))?.scope;
}

/** The secrets that a server is bound to and that a scope does not have. */
function lacking({ vaults }: Workspace, { bindings }: Server, scope: string): string[] {
  return bindings.flatMap(({ secret }) => (vaults.infoOf(secret, scope) === undefined ? [secret] : []));
}

/** Deletes a scope with all its secrets. */
async function deleteScope(workspace: Workspace, argument: unknown): Promise<void> {
  const { vaults, servers, messages } = workspace;
  const scope = scopeIn(argument) ?? (await pickStoredScope(workspace));
  if (scope === undefined) return;
  await vaults.load();
  const names = vaults
    .of(scope)
    .list()
    .flatMap((info) => (info.scope === scope ? [info.name] : []));
  if (names.length === 0) throw new SecretsError('scopeMissing', { scope });
  const users = serversIn(servers.file().servers.values(), scope).map(({ name }) => name);
  const detail = [
    ...names.slice(0, NAMES_SHOWN),
    ...(names.length > NAMES_SHOWN ? [`and ${String(names.length - NAMES_SHOWN)} more`] : []),
    '',
    'They are deleted with all their versions. They cannot be brought back.',
    ...(scope === USER_SCOPE ? ['All workspaces of this user share them.'] : []),
    ...(users.length > 0 ? [`Calls of ${users.join(', ')} will fail: ${count(users.length, 'server')} using this scope.`] : []),
  ].join('\n');
  if (!(await confirm(`Delete the scope ${scopeLabel(scope)} with its ${count(names.length, 'secret')}?`, detail, 'Delete'))) return;
  const deleted = await vaults.of(scope).deleteScope(scope, 'user');
  messages.done(`Scope ${scopeLabel(scope)} deleted: ${count(deleted.length, 'secret')}`);
}

async function pickStoredScope(workspace: Workspace): Promise<string | undefined> {
  const items = [...(await scopesOf(workspace))]
    .filter(([, secrets]) => secrets > 0)
    .map(([scope, secrets]) => ({ label: scopeLabel(scope), description: count(secrets, 'secret'), scope }));
  const placeHolder = items.length > 0 ? 'Choose a scope' : 'There are no secrets yet';
  return (await vscode.window.showQuickPick(items, { title: 'Delete Scope', placeHolder }))?.scope;
}
