import * as vscode from 'vscode';
import { checkScope } from '../../vault/name';
import { DEFAULT_SCOPE, USER_SCOPE } from '../../vault/secret';
import { byScope, scopeLabel } from '../secretRef';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import { problemOf } from './pick';

/** The scopes that hold secrets or that a server names, with the number of secrets of each, in the order in which they are shown. */
export async function scopesOf({ vaults, servers }: Workspace): Promise<Map<string, number>> {
  await vaults.load();
  const scopes = new Map<string, number>();
  for (const { scope } of servers.file().servers.values()) scopes.set(scope, 0);
  for (const { scope } of vaults.list()) scopes.set(scope, (scopes.get(scope) ?? 0) + 1);
  return new Map([...scopes].sort(([a], [b]) => byScope(a, b)));
}

/** Asks for the scope of a new secret: one that is there, that of the user, or a new one. */
export async function askScope(workspace: Workspace, title: string): Promise<string | undefined> {
  const known = await scopesOf(workspace);
  const items = [...new Set([DEFAULT_SCOPE, ...known.keys(), USER_SCOPE])].sort(byScope).map((scope) => ({
    label: scopeLabel(scope),
    description:
      scope === DEFAULT_SCOPE ? `the default · ${count(known.get(scope) ?? 0, 'secret')}` : count(known.get(scope) ?? 0, 'secret'),
    iconPath: new vscode.ThemeIcon('symbol-namespace'),
    scope,
  }));
  const other = { label: '$(add) New scope…', alwaysShow: true, scope: undefined };
  const placeHolder = 'In which scope? Servers receive secrets of the scope that they name';
  const picked = await vscode.window.showQuickPick([...items, other], { title, placeHolder, ignoreFocusOut: true });
  return picked === undefined ? undefined : (picked.scope ?? askNewScope(title));
}

async function askNewScope(title: string): Promise<string | undefined> {
  const name = await vscode.window.showInputBox({
    title,
    prompt: 'The name of the new scope, for example github-work',
    ignoreFocusOut: true,
    validateInput: (text) => (text === '' ? undefined : problemOf(() => checkScope(text))),
  });
  return name === undefined || name === '' ? undefined : name;
}
