import * as vscode from 'vscode';
import type { ComparedServer } from '../../bindings/compare';
import { visible } from '../../shared/visible';
import type { Backup } from '../../vault/backup/document';
import type { PlannedSecret, RestoreState } from '../../vault/backup/restore';
import type { SecretInfo } from '../../vault/secret';
import { plain } from '../plain';
import { labelOf } from '../secretRef';
import { count, dotted } from '../views/format';

/** What the user wants of a backup. */
export interface Chosen {
  readonly secrets: readonly PlannedSecret[];
  readonly servers: readonly ComparedServer[];
}

interface Item extends vscode.QuickPickItem {
  readonly secret?: PlannedSecret;
  readonly server?: ComparedServer;
}

/** The order in which secrets are shown, and what is ticked at first: whatever loses nothing that is newer here. */
const STATES: readonly { readonly state: RestoreState; readonly title: string; readonly picked: boolean }[] = [
  { state: 'new', title: 'Secrets that are not here', picked: true },
  { state: 'changed', title: 'Secrets with another value here', picked: true },
  { state: 'older', title: 'Secrets set here after the backup', picked: false },
  { state: 'same', title: 'Secrets with the same value here', picked: false },
];

const SERVER_WORDS = { new: 'not here', changed: 'another one of this name here', same: 'the same here', invalid: 'has errors' } as const;

/** Shows what is in a backup beside what is here, and asks what to take over. @returns `undefined` if the user gave up. */
export async function pickRestore(
  title: string,
  backup: Backup,
  planned: readonly PlannedSecret[],
  compared: readonly ComparedServer[],
): Promise<Chosen | undefined> {
  const items: Item[] = [
    ...STATES.flatMap(({ state, title: group, picked }) => {
      const secrets = planned.filter((secret) => secret.state === state);
      return secrets.length === 0 ? [] : [separator(group), ...secrets.map((secret) => secretItem(secret, picked))];
    }),
    ...serverItems(compared.filter(({ state }) => state === 'new' || state === 'changed')),
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: `${title}: ${summary(backup, compared)}`,
    placeHolder: 'Tick what to take over; a secret that is here gets a new version',
    canPickMany: true,
    ignoreFocusOut: true,
    matchOnDescription: true,
  });
  if (picked === undefined) return undefined;
  return {
    secrets: picked.flatMap(({ secret }) => secret ?? []),
    servers: picked.flatMap(({ server }) => server ?? []),
  };
}

function secretItem(secret: PlannedSecret, picked: boolean): Item {
  const { backup, current, snapshot } = secret;
  const versions = snapshot.versions.length > 1 ? count(snapshot.versions.length, 'version') : undefined;
  return {
    label: labelOf(backup),
    description: dotted(versionOf(backup), versions),
    ...(current === undefined ? {} : { detail: `Here: ${versionOf(current)}` }),
    iconPath: new vscode.ThemeIcon('key'),
    picked,
    secret,
  };
}

/** A server that is here already is replaced only if the user says so. */
function serverItems(servers: readonly ComparedServer[]): Item[] {
  if (servers.length === 0) return [];
  const items = servers.map((server): Item => ({
    label: plain(visible(server.name)),
    description: dotted('server', SERVER_WORDS[server.state]),
    iconPath: new vscode.ThemeIcon('server'),
    picked: server.state === 'new',
    server,
  }));
  return [separator('Servers; each must be approved again'), ...items];
}

function summary({ workspace, createdAt }: Backup, compared: readonly ComparedServer[]): string {
  const broken = compared.filter(({ state }) => state === 'invalid').length;
  const left = broken === 0 ? undefined : `${count(broken, 'server')} with errors left out`;
  return dotted(visible(workspace), new Date(createdAt).toLocaleString(), left);
}

function versionOf({ version, updatedAt }: SecretInfo): string {
  return `v${String(version)}, set ${new Date(updatedAt).toLocaleString()}`;
}

function separator(label: string): Item {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
