import * as vscode from 'vscode';
import type { ServersSource } from '../../bindings/source';
import type { SecretInfo } from '../../vault/vault';
import { viewIds } from '../ids';
import type { StateModel } from '../state';
import type { Workspace } from '../workspace';
import { ago, count, dotted } from './format';
import { showNews, viewMessage } from './treeViews';

/** A secret in the view: one that exists, or one that a server is bound to and that does not exist. */
export interface SecretNode {
  readonly kind: 'secret';
  readonly name: string;
  /** Absent: it does not exist. */
  readonly info?: SecretInfo;
  /** The servers that are bound to it. */
  readonly servers: readonly string[];
  /** Its ciphertext does not open. */
  readonly unreadable: boolean;
}

/** How a secret travels when it is dragged onto a server. */
export const SECRET_MIME = 'application/vnd.code.tree.mcpsecrets.secrets';

/** The view Secrets: names, versions, ages and servers. Never values: it never opens one to show it. */
export class SecretsView implements vscode.TreeDataProvider<SecretNode>, vscode.TreeDragAndDropController<SecretNode>, vscode.Disposable {
  readonly dropMimeTypes: readonly string[] = [];
  readonly dragMimeTypes = [SECRET_MIME];
  readonly #workspace: Workspace | undefined;
  readonly #state: StateModel;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: vscode.TreeView<SecretNode>;
  readonly #news: vscode.Disposable;

  constructor(workspace: Workspace | undefined, state: StateModel) {
    this.#workspace = workspace;
    this.#state = state;
    this.#view = vscode.window.createTreeView(viewIds.secrets, {
      treeDataProvider: this,
      dragAndDropController: this,
      showCollapseAll: false,
    });
    this.#news = showNews(this.#view, [workspace?.onDidChange, state.onDidChange], () => {
      this.#changed.fire(undefined);
    });
  }

  async getChildren(node?: SecretNode): Promise<SecretNode[]> {
    const state = await this.#state.refresh();
    const workspace = this.#workspace;
    const nodes =
      node !== undefined || workspace === undefined || state.name === 'error' ? [] : await secretNodes(workspace, state.name === 'keyLost');
    this.#view.message = viewMessage(state, nodes.length === 0);
    return nodes;
  }

  getTreeItem(node: SecretNode): vscode.TreeItem {
    const item = new vscode.TreeItem(node.name);
    item.id = node.name;
    item.contextValue = `secret.${statusOf(node)}`;
    item.iconPath = new vscode.ThemeIcon(ICONS[statusOf(node)]);
    item.description = describe(node);
    item.tooltip = tooltip(node);
    item.accessibilityInformation = { label: `Secret ${node.name}, ${item.description.replaceAll(' · ', ', ')}` };
    return item;
  }

  handleDrag(source: readonly SecretNode[], data: vscode.DataTransfer): void {
    data.set(SECRET_MIME, new vscode.DataTransferItem(JSON.stringify(source.map(({ name }) => name))));
  }

  dispose(): void {
    this.#news.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }
}

type Status = 'stored' | 'missing' | 'unreadable';

const ICONS: Record<Status, string> = { stored: 'key', missing: 'circle-slash', unreadable: 'warning' };

function statusOf({ info, unreadable }: SecretNode): Status {
  return info === undefined ? 'missing' : unreadable ? 'unreadable' : 'stored';
}

async function secretNodes({ vault, servers }: Workspace, keyLost: boolean): Promise<SecretNode[]> {
  const bound = boundSecrets(servers);
  const infos = new Map(vault.list().map((info) => [info.name, info]));
  const unreadable = new Set((await vault.quarantined()).map(({ name }) => name));
  const names = [...new Set([...infos.keys(), ...bound.keys()])].sort();
  return names.map((name): SecretNode => {
    const info = infos.get(name);
    return {
      kind: 'secret',
      name,
      servers: bound.get(name) ?? [],
      unreadable: keyLost || unreadable.has(name),
      ...(info === undefined ? {} : { info }),
    };
  });
}

/** The names of servers by the secret they receive. */
function boundSecrets(servers: ServersSource): Map<string, string[]> {
  const bound = new Map<string, string[]>();
  try {
    for (const { name, bindings } of servers.file().servers.values()) {
      for (const { secret } of bindings) bound.set(secret, [...(bound.get(secret) ?? []), name]);
    }
  } catch {
    // The view Servers says that the file cannot be read.
  }
  return bound;
}

function describe({ info, servers, unreadable }: SecretNode): string {
  if (info === undefined) return dotted('missing', `bound to ${servers.join(', ')}`);
  const bound = servers.length > 0 ? servers.join(', ') : 'not bound to a server';
  return dotted(unreadable ? 'cannot be opened' : undefined, `v${String(info.version)}`, ago(info.updatedAt), bound);
}

function tooltip(node: SecretNode): string {
  const { name, info, servers, unreadable } = node;
  const bound = servers.length === 0 ? 'No server receives it.' : `Received by: ${servers.join(', ')}`;
  if (info === undefined) return [`${name} does not exist yet.`, `Calls of ${servers.join(', ')} fail until it is added.`].join('\n');
  const time = (ms: number): string => new Date(ms).toLocaleString();
  return [
    name,
    ...(unreadable ? ['It cannot be opened: its ciphertext was changed. Replace it to use it again.'] : []),
    `Version ${String(info.version)}, set ${time(info.updatedAt)}`,
    ...(info.version > 1 ? [`First set ${time(info.createdAt)}, replaced ${count(info.version - 1, 'time')}`] : []),
    bound,
  ].join('\n');
}
