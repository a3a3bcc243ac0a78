import * as vscode from 'vscode';
import type { BindingSpec } from '../../bindings/binding';
import type { BindingSpecs } from '../../bindings/edit';
import { putBindings, specsOf } from '../../bindings/edit';
import type { Server } from '../../bindings/server';
import { defaultMode } from '../../bindings/server';
import { DEFAULT_SCOPE } from '../../vault/secret';
import { scopeLabel } from '../secretRef';
import { ago, dotted } from '../views/format';
import { changeServersFile } from '../serversDocument';
import type { Workspace } from '../workspace';
import { chooseModes } from './chooseModes';
import { pickServer } from './pick';
import { addSecret } from './secrets';

/** Lets the user choose which secrets a server receives, and how; then asks for the approval of the new plan. */
export async function chooseSecrets(workspace: Workspace, argument: unknown, added: unknown): Promise<void> {
  const server = await pickServer(workspace, argument, 'Choose Secrets');
  if (server === undefined) return;
  const specs = await askSecrets(workspace, server, specsOf(server), namesIn(added));
  if (specs === undefined) return;
  await changeServersFile(workspace, (text) => putBindings(text, server.name, specs));
  workspace.audit.record({ actor: 'user', action: 'server.update', server: server.name, secrets: Object.keys(specs), outcome: 'ok' });
  await workspace.approvalDialog.ask(workspace.servers.get(server.name));
}

/** The server that secrets are chosen for; it need not be there yet. */
type Receiver = Pick<Server, 'name' | 'type' | 'scope'>;

/**
 * The two steps of choosing: which secrets of the server's scope, then how each is sent.
 * @param bound what the server receives now. @param added names that are to be chosen too.
 * @returns what it shall receive, or `undefined` if the user gave up.
 */
export async function askSecrets(
  workspace: Workspace,
  server: Receiver,
  bound: BindingSpecs,
  added: readonly string[] = [],
): Promise<BindingSpecs | undefined> {
  let chosen: readonly string[] = [...Object.keys(bound), ...added];
  for (;;) {
    const answer = await pickSecrets(workspace, server, Object.keys(bound), chosen);
    if (answer === undefined) return undefined;
    chosen = answer.chosen;
    if (answer.add === undefined) break;
    const name = await addSecret(workspace, { scope: server.scope, suggestion: answer.add });
    if (name !== undefined) chosen = [...chosen, name];
  }
  const specs = chosen.map((name): [string, BindingSpec] => [name, bound[name] ?? { as: defaultMode(server.type) }]);
  return chooseModes(server.name, server.type, Object.fromEntries(specs));
}

interface SecretItem extends vscode.QuickPickItem {
  /** Absent: the item that adds one. */
  readonly name?: string;
}

/** @returns the names chosen, and what was typed if the user wants to add a secret first. */
async function pickSecrets(
  { vaults }: Workspace,
  { name: server, scope }: Receiver,
  bound: readonly string[],
  chosen: readonly string[],
): Promise<{ chosen: string[]; add?: string } | undefined> {
  await vaults.load();
  const infos = new Map(
    vaults
      .of(scope)
      .list()
      .flatMap((info) => (info.scope === scope ? [[info.name, info] as const] : [])),
  );
  const names = [...new Set([...infos.keys(), ...bound, ...chosen])].sort();
  const items = names.map((name): SecretItem => {
    const info = infos.get(name);
    return { name, label: name, description: info === undefined ? 'missing' : dotted(`v${String(info.version)}`, ago(info.updatedAt)) };
  });
  const add: SecretItem = { label: '$(add) Add secret…', alwaysShow: true };
  const pick = vscode.window.createQuickPick<SecretItem>();
  pick.title = `Choose Secrets for ${server}`;
  const from = scope === DEFAULT_SCOPE ? '' : ` of the scope ${scopeLabel(scope)}`;
  pick.placeholder = `Check the secrets${from} that this server may receive; it receives no others`;
  pick.canSelectMany = true;
  pick.ignoreFocusOut = true;
  pick.items = [...items, add];
  pick.selectedItems = items.filter(({ name }) => name !== undefined && chosen.includes(name));
  pick.activeItems = items.slice(0, 1);
  const listeners: vscode.Disposable[] = [];
  try {
    return await new Promise((resolve) => {
      const checked = (): string[] => pick.selectedItems.flatMap(({ name }) => (name === undefined ? [] : [name]));
      let before = pick.selectedItems.length;
      listeners.push(
        pick.onDidChangeSelection((selection) => {
          // The box that checks everything means the secrets.
          const all = selection.includes(add) && selection.length - before > 1;
          before = selection.length;
          if (all) pick.selectedItems = items;
          else if (selection.includes(add)) resolve({ chosen: checked(), add: pick.value });
        }),
        pick.onDidAccept(() => {
          resolve({ chosen: checked() });
        }),
        pick.onDidHide(() => {
          resolve(undefined);
        }),
      );
      pick.show();
    });
  } finally {
    for (const listener of listeners) listener.dispose();
    pick.dispose();
  }
}

function namesIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}
