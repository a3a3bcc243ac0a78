import * as vscode from 'vscode';
import { notify } from '../notify';
import { labelOf, scopeIn, secretIn } from '../secretRef';
import type { SecretRef } from '../secretRef';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { confirm } from './pick';
import { infoOf, pickSecret, receiversOf } from './pickSecret';
import { askValue } from './secretInput';
import { askSecretName } from './secretName';

/** The commands about secrets. */
export const secretCommands = {
  'mcpSecrets.addSecret': {
    needs: 'vault',
    run: (workspace, argument) => addSecret(workspace, { secret: secretIn(argument), scope: scopeIn(argument) }),
  },
  'mcpSecrets.replaceSecret': { needs: 'vault', run: replaceSecret },
  'mcpSecrets.deleteSecret': { needs: 'vault', run: deleteSecret },
  'mcpSecrets.copySecretName': { needs: 'folder', run: copySecretName },
} satisfies Record<string, WorkspaceCommand>;

/** What is settled already about a secret that is to be added. */
interface Wanted {
  readonly secret?: SecretRef | undefined;
  readonly scope?: string | undefined;
  /** What the name box starts with. */
  readonly suggestion?: string;
}

/** Asks for what is not settled yet and a value, and keeps them. @returns the name of the secret, or `undefined` if the user gave up. */
export async function addSecret(workspace: Workspace, { secret, scope, suggestion = '' }: Wanted): Promise<string | undefined> {
  const added = secret ?? (await askSecretName(workspace, scope, suggestion));
  if (added === undefined) return undefined;
  const version = workspace.vaults.infoOf(added.name, added.scope)?.version;
  if (version !== undefined) {
    const detail = `It has version ${String(version)} now. Servers that are bound to it receive the new value from the next call on.`;
    if (!(await confirm(`There is a secret ${labelOf(added)} already. Replace its value?`, detail, 'Replace'))) return undefined;
  }
  return (await setValue(workspace, added, version === undefined ? 'Add' : 'Replace')) ? added.name : undefined;
}

async function replaceSecret(workspace: Workspace, argument: unknown): Promise<void> {
  const secret = await pickSecret(workspace, argument, 'Replace Secret');
  if (secret === undefined) return;
  const { expiresAt } = infoOf(workspace, secret);
  if (!(await setValue(workspace, secret, 'Replace')) || expiresAt === undefined) return;
  void offerExpiry(secret);
}

/** @returns whether there is a new value. */
async function setValue({ vaults, keys, passphrase, messages }: Workspace, secret: SecretRef, verb: 'Add' | 'Replace'): Promise<boolean> {
  const label = labelOf(secret);
  await passphrase.during(() => keys.prepare());
  const given = await askValue(label, `${verb} Secret ${label}`);
  if (given === undefined) return false;
  await vaults.of(secret.scope).set(secret.name, given.value, 'user', secret.scope);
  await given.kept();
  messages.done(`Secret ${label} ${verb === 'Add' ? 'added' : 'replaced'}`);
  return true;
}

/** The date belonged to the value that was replaced. */
async function offerExpiry(secret: SecretRef): Promise<void> {
  const setExpiry = 'Set Expiry…';
  const message = `${labelOf(secret)} has a new value. The former one had an expiry date; this one has none yet.`;
  if ((await notify('info', message, setExpiry)) === setExpiry) {
    await vscode.commands.executeCommand('mcpSecrets.setExpiry', secret);
  }
}

async function deleteSecret(workspace: Workspace, argument: unknown): Promise<void> {
  const secret = await pickSecret(workspace, argument, 'Delete Secret');
  if (secret === undefined) return;
  const { scope, name } = infoOf(workspace, secret);
  const receivers = receiversOf(workspace, secret);
  const detail = [
    'All of its versions are deleted. They cannot be brought back.',
    ...(receivers.length > 0 ? [`Calls of ${receivers.join(', ')} will fail: ${count(receivers.length, 'server')} bound to it.`] : []),
  ].join('\n');
  if (!(await confirm(`Delete secret ${labelOf(secret)}?`, detail, 'Delete'))) return;
  await workspace.vaults.of(scope).delete(name, 'user', scope);
  workspace.messages.done(`Secret ${labelOf(secret)} deleted`);
}

async function copySecretName(workspace: Workspace, argument: unknown): Promise<void> {
  const secret = await pickSecret(workspace, argument, 'Copy Name');
  if (secret === undefined) return;
  await vscode.env.clipboard.writeText(secret.name);
  workspace.messages.done(`Name ${secret.name} copied`);
}
