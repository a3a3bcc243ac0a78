import * as vscode from 'vscode';
import { messageOf } from '../../shared/errors';
import { viewIds } from '../ids';
import type { Workspace } from '../workspace';
import { agentItem, tokenItem } from './agentItems';
import type { AgentsViewNode } from './agentItems';
import { showNews } from './treeViews';

/** The view Agents: who has access, with which tokens, to which servers. */
export class AgentsView implements vscode.TreeDataProvider<AgentsViewNode>, vscode.Disposable {
  readonly #workspace: Workspace | undefined;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: vscode.TreeView<AgentsViewNode>;
  readonly #news: vscode.Disposable;
  /** What the items said when they were last asked for. */
  #shown = '';

  constructor(workspace: Workspace | undefined) {
    this.#workspace = workspace;
    this.#view = vscode.window.createTreeView(viewIds.agents, { treeDataProvider: this, showCollapseAll: true });
    this.#news = showNews(this.#view, [workspace?.onDidChange, vscode.workspace.onDidGrantWorkspaceTrust], () => {
      // News come with every session of a server, and an item that is clicked while it is made anew is lost to VS Code.
      if (this.#words() !== this.#shown) this.#changed.fire(undefined);
    });
  }

  getChildren(node?: AgentsViewNode): AgentsViewNode[] {
    if (node !== undefined) return childrenOf(node);
    const agents = this.#read();
    this.#shown = this.#words();
    if ('error' in agents) this.#view.message = messageOf(agents.error);
    else this.#view.message = agents.length === 0 || vscode.workspace.isTrusted ? '' : 'Restricted Mode: no agent is let in.';
    return 'error' in agents ? [] : agents;
  }

  getTreeItem(node: AgentsViewNode): vscode.TreeItem {
    const now = Date.now();
    return node.kind === 'agent' ? agentItem(node, now) : tokenItem(node, now);
  }

  dispose(): void {
    this.#news.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }

  #read(): AgentsViewNode[] | { readonly error: unknown } {
    try {
      return (this.#workspace?.agents.list() ?? []).map((info) => ({ kind: 'agent', name: info.agent, info }));
    } catch (error) {
      return { error };
    }
  }

  /** All that the view says now. */
  #words(): string {
    const agents = this.#read();
    if ('error' in agents) return messageOf(agents.error);
    const items = agents.flatMap((agent) => [agent, ...childrenOf(agent)]).map((node) => this.getTreeItem(node));
    return JSON.stringify([vscode.workspace.isTrusted, items]);
  }
}

function childrenOf(node: AgentsViewNode): AgentsViewNode[] {
  return node.kind === 'agent' ? node.info.tokens.map((token) => ({ kind: 'token', name: node.name, token })) : [];
}
