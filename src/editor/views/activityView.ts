import * as vscode from 'vscode';
import type { AuditEntry, AuditOutcome } from '../../audit/entry';
import { visible } from '../../shared/visible';
import { viewIds } from '../ids';
import type { Workspace } from '../workspace';
import { ago, dotted, duration } from './format';
import { showNews } from './treeViews';

/** Older entries are in the audit file. */
const SHOWN = 200;

const ICONS: Record<AuditOutcome, string> = { ok: 'pass', error: 'error', refused: 'circle-slash' };

const WORDS: Record<AuditEntry['action'], string> = {
  call: 'Tool call',
  request: 'Request',
  'secret.set': 'Secret set',
  'secret.delete': 'Secret deleted',
  'secret.reveal': 'Secret revealed',
  'server.add': 'Server added',
  'server.update': 'Server changed',
  'server.remove': 'Server removed',
  'server.approve': 'Server approved',
  'server.revoke': 'Approval taken back',
  'agent.issue': 'Agent given access',
  'agent.revoke': `Agent's access ended`,
};

/** The view Activity: who used or changed what, newest first. */
export class ActivityView implements vscode.TreeDataProvider<AuditEntry>, vscode.Disposable {
  readonly #workspace: Workspace | undefined;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: vscode.TreeView<AuditEntry>;
  #news: vscode.Disposable | undefined;

  constructor(workspace: Workspace | undefined) {
    this.#workspace = workspace;
    this.#view = vscode.window.createTreeView(viewIds.activity, { treeDataProvider: this });
  }

  getChildren(node?: AuditEntry): AuditEntry[] {
    const audit = this.#workspace?.audit;
    if (audit === undefined || node !== undefined) return [];
    this.#news ??= showNews(this.#view, [audit.onDidAdd], () => {
      this.#changed.fire(undefined);
    });
    return audit.recent().filter(isNews).slice(-SHOWN).reverse();
  }

  getTreeItem(entry: AuditEntry): vscode.TreeItem {
    const item = new vscode.TreeItem(labelOf(entry));
    item.description = describe(entry);
    item.iconPath = new vscode.ThemeIcon(ICONS[entry.outcome]);
    item.tooltip = tooltip(entry);
    item.contextValue = `activity.${entry.outcome}`;
    item.accessibilityInformation = { label: `${labelOf(entry)}, ${entry.outcome}, ${item.description.replaceAll(' · ', ', ')}` };
    return item;
  }

  /** Shows what has changed meanwhile. */
  refresh(): void {
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#news?.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }
}

/** Handshakes and listings that went well would hide what matters; they are in the audit file. */
function isNews({ action, outcome }: AuditEntry): boolean {
  return action !== 'request' || outcome !== 'ok';
}

function labelOf({ action, tool, method }: AuditEntry): string {
  return visible((action === 'call' ? tool : action === 'request' ? method : undefined) ?? WORDS[action]);
}

function describe({ server, agent, durationMs, secrets, errorKind, time }: AuditEntry): string {
  const took = durationMs === undefined ? undefined : duration(durationMs);
  return visible(dotted(server, agent, took, secrets?.join(', '), errorKind, ago(Date.parse(time))));
}

function tooltip(entry: AuditEntry): string {
  const lines: [string, string | undefined][] = [
    ['Time', new Date(entry.time).toLocaleString()],
    ['By', entry.actor],
    ['Agent', entry.agent],
    ['Server', entry.server],
    ['Method', entry.method],
    ['Tool', entry.tool],
    ['Secrets', entry.secrets?.join(', ')],
    ['Outcome', entry.outcome],
    ['Reason', entry.errorKind],
    ['Took', entry.durationMs === undefined ? undefined : duration(entry.durationMs)],
  ];
  const details = lines.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`${name}: ${visible(value)}`]));
  return [WORDS[entry.action], ...details].join('\n');
}
