import * as vscode from 'vscode';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import { DEFAULT_SCOPE, toldScope } from '../../vault/secret';
import type { SecretInfo } from '../../vault/secret';
import { scopeLabel, secretIn } from '../secretRef';
import type { SecretRef } from '../secretRef';
import { LOOKS, stateOf, stateWords } from '../secretState';
import { dotted } from '../views/format';
import type { Workspace } from '../workspace';

/** The secret that a command is about: the one it was called with, else one that the user picks from those that suit. */
export async function pickSecret(
  { vaults }: Workspace,
  argument: unknown,
  title: string,
  suits: (info: SecretInfo) => boolean = () => true,
): Promise<SecretRef | undefined> {
  const given = secretIn(argument);
  if (given !== undefined) return given;
  await vaults.load();
  const now = Date.now();
  const items = vaults
    .list()
    .filter(suits)
    .map((info) => {
      const state = stateOf(info, false, now);
      const scope = info.scope === DEFAULT_SCOPE ? undefined : scopeLabel(info.scope);
      const description = dotted(scope, `v${String(info.version)}`, stateWords(state, info, now));
      return { label: info.name, description, iconPath: new vscode.ThemeIcon(LOOKS[state].icon), info };
    });
  const placeHolder = items.length > 0 ? 'Choose a secret' : 'There is no secret that this can be done with';
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder, matchOnDescription: true });
  return picked && { scope: picked.info.scope, name: picked.info.name };
}

/** What is known of a secret. @throws SecretsError `secretMissing`. */
export function infoOf({ vaults }: Workspace, { scope, name }: SecretRef): SecretInfo {
  const info = vaults.infoOf(name, scope);
  if (info === undefined) throw new SecretsError('secretMissing', { names: [name], ...toldScope(scope) });
  return info;
}

/** The version that a command was called with: an item of the view Secrets. */
export function versionIn(argument: unknown): number | undefined {
  const info = fieldOf(argument, 'version');
  const version = fieldOf(info, 'version');
  return typeof version === 'number' ? version : undefined;
}

/** The names of the servers that receive a secret. */
export function receiversOf({ servers }: Workspace, { scope, name }: SecretRef): string[] {
  return serversIn(servers.file().servers.values(), scope)
    .filter(({ bindings }) => bindings.some(({ secret }) => secret === name))
    .map((server) => server.name);
}

/** The servers that take secrets from a scope. */
export function serversIn(servers: Iterable<Server>, scope: string): Server[] {
  return [...servers].filter((server) => server.scope === scope && server.bindings.length > 0);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
