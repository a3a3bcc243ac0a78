import * as vscode from 'vscode';
import { describeBinding, describePlan } from '../../bindings/plan';
import type { Binding, Server } from '../../bindings/server';
import type { Problem, ServersFile } from '../../bindings/serversFile';
import type { ServerStatus } from '../../proxy/proxy';
import { messageOf, SecretsError } from '../../shared/errors';
import { visible } from '../../shared/visible';
import { DEFAULT_SCOPE } from '../../vault/secret';
import { viewIds } from '../ids';
import { labelOf, scopeLabel, secretIn } from '../secretRef';
import type { SecretRef } from '../secretRef';
import type { ProductState, StateModel } from '../state';
import type { Workspace } from '../workspace';
import { count, dotted } from './format';
import { SECRET_MIME } from './secretsView';
import { newsOf, showBadge, toolItem, toolNodes, toolsItem, toolsNode } from './toolNodes';
import type { ToolNode, ToolsNode } from './toolNodes';
import { showNews, viewMessage } from './treeViews';

/** A server that can be read from the servers file. */
export interface ServerNode {
  readonly kind: 'server';
  readonly name: string;
  readonly server: Server;
  readonly approved: boolean;
  readonly status: ServerStatus;
  /** `undefined` until an agent has listed them. */
  readonly tools: ToolsNode | undefined;
}

/** A server, or the whole file, with an error. */
export interface ProblemNode {
  readonly kind: 'problem';
  /** The server's name, or the file's. */
  readonly name: string;
  readonly problem: Problem;
}

/** One secret of a server. */
export interface BindingNode extends SecretRef {
  readonly kind: 'binding';
  readonly server: Server;
  readonly binding: Binding;
  readonly missing: boolean;
}

/** An item of the view Servers. */
export type ServersViewNode = ServerNode | ProblemNode | BindingNode | ToolsNode | ToolNode;

/** The view Servers: each with its state, and the secrets that it receives below it. */
export class ServersView
  implements vscode.TreeDataProvider<ServersViewNode>, vscode.TreeDragAndDropController<ServersViewNode>, vscode.Disposable
{
  readonly dropMimeTypes = [SECRET_MIME];
  readonly dragMimeTypes: readonly string[] = [];
  readonly #workspace: Workspace | undefined;
  readonly #state: StateModel;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: vscode.TreeView<ServersViewNode>;
  readonly #news: vscode.Disposable;

  constructor(workspace: Workspace | undefined, state: StateModel) {
    this.#workspace = workspace;
    this.#state = state;
    this.#view = vscode.window.createTreeView(viewIds.servers, {
      treeDataProvider: this,
      dragAndDropController: this,
      showCollapseAll: true,
    });
    const news = showNews(this.#view, [workspace?.onDidChange, state.onDidChange], () => {
      this.#changed.fire(undefined);
    });
    this.#news = workspace === undefined ? news : vscode.Disposable.from(news, showBadge(this.#view, workspace));
  }

  async getChildren(node?: ServersViewNode): Promise<ServersViewNode[]> {
    const workspace = this.#workspace;
    if (workspace === undefined) return [];
    if (node?.kind === 'tools') return toolNodes(workspace, node);
    if (node !== undefined && node.kind !== 'server') return [];
    if (node !== undefined) {
      const { server, tools } = node;
      const bindings = server.bindings.map((binding): BindingNode => ({
        kind: 'binding',
        scope: server.scope,
        name: binding.secret,
        server,
        binding,
        missing: isMissing(workspace, { scope: server.scope, name: binding.secret }),
      }));
      return tools === undefined ? bindings : [...bindings, tools];
    }
    const state = await this.#state.refresh();
    const read = readFile(workspace);
    const nodes = 'error' in read ? [] : serverNodes(workspace, read);
    this.#view.message = 'error' in read ? messageOf(read.error) : nodes.length > 0 ? whyRefused(state) : '';
    return nodes;
  }

  getTreeItem(node: ServersViewNode): vscode.TreeItem {
    switch (node.kind) {
      case 'server':
        return serverItem(node);
      case 'problem':
        return problemItem(node);
      case 'binding':
        return bindingItem(node);
      case 'tools':
        return toolsItem(node);
      case 'tool':
        return toolItem(node);
    }
  }

  /** Binds the secrets that were dropped on a server. It receives those of its own scope only. */
  async handleDrop(target: ServersViewNode | undefined, data: vscode.DataTransfer): Promise<void> {
    const dragged = data.get(SECRET_MIME);
    if (dragged === undefined || target === undefined || target.kind === 'problem') return;
    const items: unknown = JSON.parse(await dragged.asString());
    const secrets = Array.isArray(items) ? items.flatMap((item) => secretIn(item) ?? []) : [];
    const { name: server, scope } = target.server;
    const stranger = secrets.find((secret) => secret.scope !== scope);
    if (stranger !== undefined) {
      await this.#workspace?.messages.showError(new SecretsError('scopeOther', { secret: labelOf(stranger), server, scope }));
      return;
    }
    await vscode.commands.executeCommand(
      'mcpSecrets.chooseSecrets',
      server,
      secrets.map(({ name }) => name),
    );
  }

  dispose(): void {
    this.#news.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }
}

/** Of a vault that cannot be read nothing is missing: the view Secrets says what is wrong. */
function isMissing({ vaults }: Workspace, { scope, name }: SecretRef): boolean {
  try {
    return vaults.infoOf(name, scope) === undefined;
  } catch {
    return false;
  }
}

function readFile({ servers }: Workspace): ServersFile | { error: unknown } {
  try {
    return servers.file();
  } catch (error) {
    return { error };
  }
}

function serverNodes(workspace: Workspace, { servers, problems }: ServersFile): ServersViewNode[] {
  const { approvals, proxy } = workspace;
  const broken = new Map<string, ProblemNode>();
  for (const problem of problems) {
    const name = problem.server ?? 'mcp-secrets.json';
    if (!broken.has(name)) broken.set(name, { kind: 'problem', name, problem });
  }
  const usable = [...servers.values()].map((server): ServerNode => ({
    kind: 'server',
    name: server.name,
    server,
    approved: approvals.isApproved(server),
    status: proxy.status(server.name),
    tools: toolsNode(workspace, server),
  }));
  return [...broken.values(), ...usable];
}

/** Why no server is used now, if so. What is wrong with the vault is said in the view Secrets. */
function whyRefused(state: ProductState): string {
  if (state.name === 'locked') return 'The vault is locked: calls are refused until it is unlocked.';
  return state.name === 'untrusted' ? viewMessage(state, false) : '';
}

type Condition = 'unapproved' | 'idle' | 'running' | 'failed' | 'stopped';

const CONDITIONS: Record<Condition, { icon: string; text: string }> = {
  unapproved: { icon: 'shield', text: 'needs approval' },
  idle: { icon: 'server', text: 'ready' },
  running: { icon: 'server-environment', text: 'running' },
  failed: { icon: 'error', text: 'failed' },
  stopped: { icon: 'debug-stop', text: 'stopped' },
};

function serverItem(node: ServerNode): vscode.TreeItem {
  const { name, server, approved, status } = node;
  const condition = approved ? status.state : 'unapproved';
  const { icon, text } = CONDITIONS[condition];
  const item = new vscode.TreeItem(
    name,
    server.bindings.length > 0 || node.tools !== undefined
      ? vscode.TreeItemCollapsibleState.Collapsed
      : vscode.TreeItemCollapsibleState.None,
  );
  item.id = `server/${name}`;
  item.contextValue = `server.${condition}`;
  item.iconPath = new vscode.ThemeIcon(icon);
  const scope = server.scope === DEFAULT_SCOPE ? undefined : `scope ${scopeLabel(server.scope)}`;
  item.description = dotted(server.type, text, count(server.bindings.length, 'secret'), scope, newsOf(node.tools));
  const sessions = status.sessions > 0 ? `, ${count(status.sessions, 'session')}` : '';
  item.tooltip = [`${name}: ${text}${sessions}`, ...troubleOf(status), '', ...describePlan(server)].join('\n');
  item.accessibilityInformation = { label: `Server ${name}, ${item.description.replaceAll(' · ', ', ')}` };
  return item;
}

/** What is wrong with a server, in lines. */
function troubleOf({ error, said = [], restsUntil }: ServerStatus): string[] {
  if (error === undefined) return [];
  const rests = restsUntil === undefined ? [] : [`Left alone until ${new Date(restsUntil).toLocaleTimeString()}.`];
  const words = said.length === 0 ? [] : ['It said last:', ...said.map((line) => `  ${visible(line)}`)];
  return [error, ...rests, ...words];
}

function problemItem({ name, problem }: ProblemNode): vscode.TreeItem {
  const item = new vscode.TreeItem(name);
  item.id = `problem/${name}`;
  item.contextValue = problem.server === undefined ? 'problem.file' : 'problem.server';
  item.iconPath = new vscode.ThemeIcon('error');
  item.description = `line ${String(problem.line)}: ${problem.message}`;
  item.tooltip = `${problem.message}\n.vscode/mcp-secrets.json, line ${String(problem.line)}`;
  item.command =
    problem.server === undefined
      ? { command: 'mcpSecrets.openServersFile', title: 'Open' }
      : { command: 'mcpSecrets.editServer', title: 'Open', arguments: [problem.server] };
  item.accessibilityInformation = { label: `${name} has an error, ${item.description}` };
  return item;
}

function bindingItem({ scope, name, server, binding, missing }: BindingNode): vscode.TreeItem {
  const item = new vscode.TreeItem(name);
  const how = describeBinding(binding).slice(name.length + 1);
  item.id = `server/${server.name}/${name}`;
  item.contextValue = missing ? 'binding.missing' : 'binding.stored';
  item.iconPath = new vscode.ThemeIcon(missing ? 'circle-slash' : 'key');
  item.description = missing ? dotted('missing', how) : how;
  item.tooltip = missing
    ? `${labelOf({ scope, name })} does not exist yet: calls of ${server.name} fail until it is added.`
    : `${server.name} receives ${labelOf({ scope, name })} ${how}.`;
  item.accessibilityInformation = { label: `Secret ${name}, ${item.description.replaceAll(' · ', ', ')}` };
  return item;
}
