import * as vscode from 'vscode';
import { SecretsError } from '../../shared/errors';
import { normalizeName } from '../../vault/name';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { confirm, nameIn, pickSecret, problemOf } from './pick';
import { askValue } from './secretInput';

/** The commands about secrets. */
export const secretCommands = {
  'mcpSecrets.addSecret': { needs: 'vault', run: (workspace, argument) => addSecret(workspace, nameIn(argument)) },
  'mcpSecrets.replaceSecret': { needs: 'vault', run: replaceSecret },
  'mcpSecrets.deleteSecret': { needs: 'vault', run: deleteSecret },
} satisfies Record<string, WorkspaceCommand>;

/**
 * Asks for a name, unless one is given, and a value, and keeps them.
 * @param suggestion what the name box starts with. @returns the name of the secret, or `undefined` if the user gave up.
 */
export async function addSecret(workspace: Workspace, given?: string, suggestion = ''): Promise<string | undefined> {
  const { vault } = workspace;
  const name = given === undefined ? await askName(workspace, suggestion) : normalizeName(given);
  if (name === undefined) return undefined;
  const version = vault.versionOf(name);
  if (version !== undefined) {
    const detail = `It has version ${String(version)} now. Servers that are bound to it receive the new value from the next call on.`;
    if (!(await confirm(`There is a secret ${name} already. Replace its value?`, detail, 'Replace'))) return undefined;
  }
  const value = await askValue(name, version === undefined ? `Add Secret ${name}` : `Replace Secret ${name}`);
  if (value === undefined) return undefined;
  await vault.set(name, value, 'user');
  workspace.messages.done(version === undefined ? `Secret ${name} added` : `Secret ${name} replaced`);
  return name;
}

async function replaceSecret(workspace: Workspace, argument: unknown): Promise<void> {
  const name = await pickSecret(workspace, argument, 'Replace Secret');
  if (name === undefined) return;
  if (workspace.vault.versionOf(name) === undefined) throw new SecretsError('secretMissing', { names: [name] });
  const value = await askValue(name, `Replace Secret ${name}`);
  if (value === undefined) return;
  await workspace.vault.set(name, value, 'user');
  workspace.messages.done(`Secret ${name} replaced`);
}

async function deleteSecret(workspace: Workspace, argument: unknown): Promise<void> {
  const name = await pickSecret(workspace, argument, 'Delete Secret');
  if (name === undefined) return;
  const version = workspace.vault.versionOf(name);
  if (version === undefined) throw new SecretsError('secretMissing', { names: [name] });
  const bound = [...workspace.servers.file().servers.values()].filter(({ bindings }) => bindings.some(({ secret }) => secret === name));
  const detail = [
    'All of its versions are deleted. They cannot be brought back.',
    ...(bound.length > 0
      ? [`Calls of ${bound.map((server) => server.name).join(', ')} will fail: ${count(bound.length, 'server')} bound to it.`]
      : []),
  ].join('\n');
  if (!(await confirm(`Delete secret ${name}?`, detail, 'Delete'))) return;
  await workspace.vault.delete(name, 'user');
  workspace.messages.done(`Secret ${name} deleted`);
}

async function askName({ vault }: Workspace, suggestion: string): Promise<string | undefined> {
  const name = await vscode.window.showInputBox({
    title: 'Add Secret',
    prompt: 'The name of the secret, for example GITHUB_TOKEN',
    value: suggestion,
    ignoreFocusOut: true,
    validateInput: (text) => {
      if (text === '') return undefined;
      const problem = problemOf(() => normalizeName(text));
      if (problem !== undefined) return problem;
      const normalized = normalizeName(text);
      const { Info, Warning } = vscode.InputBoxValidationSeverity;
      if (vault.versionOf(normalized) !== undefined)
        return { message: `${normalized} exists: its value will be replaced.`, severity: Warning };
      return normalized === text ? undefined : { message: `It will be kept as ${normalized}.`, severity: Info };
    },
  });
  return name === undefined || name === '' ? undefined : normalizeName(name);
}
