import * as vscode from 'vscode';
import type { Server } from '../../bindings/server';
import { FLAG_WORDS } from '../../bindings/toolFlags';
import { countWaiting, toolStates } from '../../bindings/toolState';
import type { ToolStanding, ToolState } from '../../bindings/toolState';
import { visible } from '../../shared/visible';
import type { Workspace } from '../workspace';
import { count, dotted } from './format';

/** The tools of a server, once an agent has listed them. */
export interface ToolsNode {
  readonly kind: 'tools';
  /** The server's. */
  readonly name: string;
  readonly server: Server;
  readonly known: number;
  readonly waiting: number;
}

/** One tool of a server, or one thing that the server says of itself. */
export interface ToolNode {
  readonly kind: 'tool';
  readonly server: Server;
  readonly state: ToolState;
}

/** What stands below a server for its tools; nothing if they are not known, or cannot be. */
export function toolsNode({ pins }: Workspace, server: Server): ToolsNode | undefined {
  try {
    const { tools, about } = pins.of(server);
    const waiting = countWaiting(pins, server);
    if (tools.size === 0 && (about.size === 0 || waiting === 0)) return undefined;
    return { kind: 'tools', name: server.name, server, known: tools.size, waiting };
  } catch {
    return undefined; // Whoever uses the server is told.
  }
}

/** Each tool; what waits for the user comes first. What a server says of itself is shown while it waits only. */
export function toolNodes({ pins }: Workspace, { server }: ToolsNode): ToolNode[] {
  return toolStates(pins, server)
    .filter(({ kind, standing }) => kind === 'tool' || standing !== 'accepted')
    .map((state) => ({ kind: 'tool', server, state }));
}

/** `2 tools to review`, for the server; `undefined` if there are none. */
export function newsOf(node: ToolsNode | undefined): string | undefined {
  return node === undefined || node.waiting === 0 ? undefined : `${count(node.waiting, 'tool')} to review`;
}

/** Shows on a view how many tools wait for the user, also while the view cannot be seen. */
export function showBadge(view: vscode.TreeView<unknown>, workspace: Workspace): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      const waiting = waitingIn(workspace);
      view.badge = waiting === 0 ? undefined : { value: waiting, tooltip: `${count(waiting, 'tool')} to review` };
    }, PAUSE_MS);
  };
  const listeners = vscode.Disposable.from(workspace.onDidChange(soon), view.onDidChangeVisibility(soon));
  return new vscode.Disposable(() => {
    clearTimeout(timer);
    listeners.dispose();
  });
}

/** Many changes come together. */
const PAUSE_MS = 200;

function waitingIn(workspace: Workspace): number {
  try {
    const servers = [...workspace.servers.file().servers.values()];
    return servers.reduce((sum, server) => sum + (toolsNode(workspace, server)?.waiting ?? 0), 0);
  } catch {
    return 0; // The view says what is wrong with the file.
  }
}

/** The item over the tools of a server. */
export function toolsItem(node: ToolsNode): vscode.TreeItem {
  const item = new vscode.TreeItem('Tools', vscode.TreeItemCollapsibleState.Collapsed);
  item.id = `server/${node.name}//tools`;
  item.contextValue = node.waiting > 0 ? 'tools.waiting' : 'tools.accepted';
  item.iconPath = new vscode.ThemeIcon('tools', node.waiting > 0 ? WARNING : undefined);
  item.description = newsOf(node) ?? `${String(node.known)} accepted`;
  item.tooltip =
    node.waiting > 0
      ? 'Some tools are not what was accepted, or are new or suspicious. They are hidden from agents until you have reviewed them.'
      : 'Agents get these tools, as they were accepted. A tool that changes is blocked until you have seen the difference.';
  item.accessibilityInformation = { label: `Tools of ${node.name}, ${item.description}` };
  return item;
}

const LOOKS: Readonly<Record<ToolStanding, { readonly icon: string; readonly text: string }>> = {
  accepted: { icon: 'symbol-method', text: '' },
  changed: { icon: 'diff-modified', text: 'changed, blocked' },
  flagged: { icon: 'warning', text: 'suspicious, blocked' },
  new: { icon: 'diff-added', text: 'new, blocked' },
};

/** The item of one tool. A click shows the difference, where there is one. */
export function toolItem(node: ToolNode): vscode.TreeItem {
  const { kind, name, standing, flags } = node.state;
  const waits = standing !== 'accepted';
  const label = kind === 'tool' ? visible(name) : kind === 'instructions' ? 'Instructions of the server' : 'Name of the server';
  const item = new vscode.TreeItem(label);
  const { icon, text } = LOOKS[standing];
  item.id = `server/${node.server.name}//tools/${kind}/${name}`;
  item.contextValue = waits ? 'tool.waiting' : 'tool.accepted';
  item.iconPath = new vscode.ThemeIcon(icon, waits ? WARNING : undefined);
  item.description = text;
  const reasons = flags.map((flag) => `It ${FLAG_WORDS[flag]}.`);
  item.tooltip = [dotted(label, waits ? text : 'accepted'), ...reasons].join('\n');
  item.accessibilityInformation = { label: [`Tool ${label}`, waits ? text : 'accepted', ...reasons].join(', ') };
  if (waits) item.command = { command: 'mcpSecrets.reviewTools', title: 'Review', arguments: [node] };
  return item;
}

const WARNING = new vscode.ThemeColor('list.warningForeground');
