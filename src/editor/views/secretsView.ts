import * as vscode from 'vscode';
import type { Server } from '../../bindings/server';
import { messageOf } from '../../shared/errors';
import type { SecretInfo } from '../../vault/secret';
import { SecretDecorations } from '../decorations';
import { viewIds } from '../ids';
import { Quarantine } from '../quarantine';
import { keyOf } from '../secretRef';
import type { SecretRef } from '../secretRef';
import { needsAttention, stateOf } from '../secretState';
import type { SecretState } from '../secretState';
import type { ProductState, StateModel } from '../state';
import type { Workspace } from '../workspace';
import { count } from './format';
import { describeSecret, scopeItem, secretItem, secretTooltip, versionItem, versionTooltip } from './secretItems';
import { secretNodes, topNodes } from './secretNodes';
import type { SecretNode, SecretsViewNode, VersionNode } from './secretNodes';
import { showNews, viewMessage } from './treeViews';

/** How secrets travel when they are dragged onto a server: a list of `SecretRef` as JSON. */
export const SECRET_MIME = 'application/vnd.code.tree.mcpsecrets.secrets';

/** The view Secrets: names, versions, ages and servers. Never values: it never opens one to show it. */
export class SecretsView
  implements vscode.TreeDataProvider<SecretsViewNode>, vscode.TreeDragAndDropController<SecretsViewNode>, vscode.Disposable
{
  readonly dropMimeTypes: readonly string[] = [];
  readonly dragMimeTypes = [SECRET_MIME];
  readonly #workspace: Workspace | undefined;
  readonly #state: StateModel;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: vscode.TreeView<SecretsViewNode>;
  readonly #quarantine: Quarantine | undefined;
  /** The marks on the secrets of this view. */
  readonly decorations = new SecretDecorations();
  readonly #news: vscode.Disposable;
  /** What the tree shows, as `#pictureOf` puts it. */
  #drawn = '';

  constructor(workspace: Workspace | undefined, state: StateModel) {
    this.#workspace = workspace;
    this.#state = state;
    this.#view = vscode.window.createTreeView(viewIds.secrets, {
      treeDataProvider: this,
      dragAndDropController: this,
      canSelectMany: false,
      showCollapseAll: true,
    });
    this.#quarantine = workspace && new Quarantine(() => workspace.vaults);
    this.#news = showNews(this.#view, [workspace?.onDidChange, state.onDidChange, this.#quarantine?.onDidChange], () => {
      void this.#redraw();
    });
  }

  async getChildren(node?: SecretsViewNode): Promise<SecretsViewNode[]> {
    if (node !== undefined) return node.kind === 'scope' ? [...node.secrets] : node.kind === 'secret' ? this.#versions(node) : [];
    const read = await this.#read();
    const { secrets } = read;
    this.#view.message = messageFor(read);
    this.#drawn = this.#pictureOf(read);
    this.#mark(secrets);
    // Not awaited: what opens is shown before it is known what does not.
    void this.#quarantine?.look();
    return topNodes(secrets);
  }

  getTreeItem(node: SecretsViewNode): vscode.TreeItem {
    const now = Date.now();
    if (node.kind === 'scope') return scopeItem(node);
    return node.kind === 'version' ? versionItem(node, now) : secretItem(node, this.#stateOf(node), now);
  }

  resolveTreeItem(item: vscode.TreeItem, node: SecretsViewNode): vscode.TreeItem {
    if (node.kind === 'secret') item.tooltip = secretTooltip(node, this.#stateOf(node), Date.now());
    if (node.kind === 'version') item.tooltip = versionTooltip(node);
    return item;
  }

  handleDrag(source: readonly SecretsViewNode[], data: vscode.DataTransfer): void {
    const secrets = source.flatMap((node): SecretRef[] => (node.kind === 'secret' ? [{ scope: node.scope, name: node.name }] : []));
    if (secrets.length > 0) data.set(SECRET_MIME, new vscode.DataTransferItem(JSON.stringify(secrets)));
  }

  /** How many secrets need attention, as the view's badge says. */
  get attention(): number {
    return this.#view.badge?.value ?? 0;
  }

  /** Looks at everything again: time passes, and the badge is seen while the view is not. */
  async lookAgain(): Promise<void> {
    await this.#quarantine?.look();
    this.#mark((await this.#read()).secrets);
    await this.#redraw();
  }

  dispose(): void {
    this.#news.dispose();
    this.decorations.dispose();
    this.#quarantine?.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }

  /** Draws the tree anew if it would look different: until it is drawn its items cannot be used, and thousands take a while. */
  async #redraw(): Promise<void> {
    void this.#quarantine?.look();
    // What goes wrong here goes wrong in `getChildren`, too, whose failure VS Code shows.
    const picture = await this.#read().then(
      (read) => this.#pictureOf(read),
      () => undefined,
    );
    if (picture !== this.#drawn) this.#changed.fire(undefined);
  }

  /** All that can be seen, as text. */
  #pictureOf(read: Read): string {
    const now = Date.now();
    const lines = read.secrets.map((node) => {
      const earlier = node.info !== undefined && node.info.version > 1 ? this.#versions(node).map(({ version }) => version.version) : [];
      return `${keyOf(node)} ${describeSecret(node, this.#stateOf(node), now)} ${earlier.join(' ')}`;
    });
    return [messageFor(read), ...lines].join('\n');
  }

  async #read(): Promise<Read> {
    const state = await this.#state.refresh();
    const workspace = this.#workspace;
    if (workspace === undefined || state.name === 'error') return { state, secrets: [] };
    await this.#quarantine?.lookAtKeys();
    const { infos, problem } = await infosOf(workspace);
    return { state, secrets: secretNodes(infos, serversOf(workspace)), ...(problem === undefined ? {} : { problem }) };
  }

  #stateOf(node: SecretNode): SecretState {
    return stateOf(node.info, this.#quarantine?.has(node) === true, Date.now());
  }

  /** Shows how secrets stand on their items and on the icon of the view. */
  #mark(secrets: readonly SecretNode[]): void {
    const states = secrets.map((node) => [node, this.#stateOf(node)] as const);
    this.decorations.show(states);
    const value = states.filter(([, state]) => needsAttention(state)).length;
    const tooltip = `${count(value, 'secret')} expired, due for rotation or unreadable`;
    this.#view.badge = value === 0 ? undefined : { value, tooltip };
  }

  #versions({ scope, name, info }: SecretNode): VersionNode[] {
    if (this.#workspace === undefined || info === undefined) return [];
    try {
      const versions = this.#workspace.vaults.of(scope).versions(name, scope);
      return versions.map((version) => ({ kind: 'version', scope, name, version }));
    } catch {
      return []; // It was deleted in this moment; the tree is about to follow.
    }
  }
}

/** What there is to show. */
interface Read {
  readonly state: ProductState;
  readonly secrets: readonly SecretNode[];
  /** Why some secrets are not among them, if so. */
  readonly problem?: unknown;
}

function messageFor({ state, secrets, problem }: Read): string {
  return problem === undefined ? viewMessage(state, secrets.length === 0) : messageOf(problem);
}

/** What is known of all secrets. A user's vault that cannot be read must not hide those of the workspace. */
async function infosOf({ vaults }: Workspace): Promise<{ infos: SecretInfo[]; problem?: unknown }> {
  await vaults.workspace.load();
  const infos = vaults.workspace.list();
  try {
    await vaults.user.load();
    return { infos: [...infos, ...vaults.user.list()] };
  } catch (problem) {
    return { infos, problem };
  }
}

function serversOf({ servers }: Workspace): Iterable<Server> {
  try {
    return servers.file().servers.values();
  } catch {
    return []; // The view Servers says that the file cannot be read.
  }
}
