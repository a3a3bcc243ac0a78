import * as vscode from 'vscode';
import type { AuditAction, AuditEntry } from '../../audit/entry';
import { visible } from '../../shared/visible';
import type { ActivityEntry } from '../activityFeed';
import { OUTCOME_WORDS, secretLabels } from '../activityFilter';
import { scopeLabel } from '../secretRef';
import { ago, count as counted, dotted, duration } from './format';

/** Who used or changed something. */
export interface EntryNode {
  readonly kind: 'entry';
  readonly entry: ActivityEntry;
}

/** One thing that is known of an entry. */
export interface DetailNode {
  readonly kind: 'detail';
  readonly name: string;
  readonly value: string;
}

/** Stands below the last entry if there are older ones. */
export interface MoreNode {
  readonly kind: 'more';
}

/** An item of the view Activity. */
export type ActivityNode = EntryNode | DetailNode | MoreNode;

const WORDS: Readonly<Record<AuditAction, string>> = {
  call: 'Tool call',
  request: 'Request',
  'secret.set': 'Secret set',
  'secret.rollback': 'Secret rolled back',
  'secret.schedule': 'Expiry or rotation set',
  'secret.destroy': 'Earlier versions destroyed',
  'secret.delete': 'Secret deleted',
  'secret.reveal': 'Secret revealed',
  'scope.delete': 'Scope deleted',
  'scope.switch': 'Scope switched',
  'server.add': 'Server added',
  'server.update': 'Server changed',
  'server.remove': 'Server removed',
  'server.approve': 'Server approved',
  'server.revoke': 'Approval taken back',
  'tools.change': 'Tools changed by their server',
  'tools.accept': 'Tools accepted',
  'policy.allow': 'Calls of a tool always allowed',
  'policy.revoke': 'Consent to calls taken back',
  'guard.find': 'Secret in a message',
  'agent.issue': 'Agent given access',
  'agent.revoke': `Agent's access ended`,
  'agent.access': `Agent's servers chosen`,
  'agent.refuse': 'Agent without valid token refused',
  'key.rotate': 'Key replaced',
  'key.protect': 'Key protected by passphrase',
  'key.unprotect': 'Passphrase removed from key',
  'vault.lock': 'Vault locked',
  'vault.unlock': 'Vault unlocked',
  'vault.panic': 'Panic: everything stopped',
  'vault.recover': 'Vault recovered',
  'vault.fresh': 'New vault begun',
  'vault.destroy': 'All secrets destroyed',
  'backup.create': 'Backup made',
  'backup.restore': 'Backup restored',
  'audit.export': 'Audit trail exported',
  alert: 'Alert',
};

const RULE_WORDS: Readonly<Record<string, string>> = {
  tokensRefused: 'Alert: many refused tokens',
  newAgent: 'Alert: new agent',
  secretExpired: 'Alert: expired secret used',
  callDenied: 'Alert: call refused',
  secretUnused: 'Alert: secret not used',
  toolsChanged: 'Alert: server changed its tools',
};

/** By what stands before the dot of an action. */
const ICONS: Readonly<Record<string, string>> = {
  secret: 'key',
  scope: 'symbol-namespace',
  server: 'server',
  policy: 'law',
  guard: 'shield',
  tools: 'tools',
  agent: 'account',
  key: 'key',
  vault: 'lock',
  backup: 'archive',
  audit: 'export',
};

const ACTORS: Readonly<Record<AuditEntry['actor'], string>> = {
  user: 'the user, in VS Code',
  cli: 'the user, on the command line',
  agent: 'an agent',
  product: 'MCP Secrets itself',
};

/** What was done, by whom, with what, and when. @param now ms since the epoch. */
export function entryItem({ entry }: EntryNode, now: number): vscode.TreeItem {
  const label = labelOf(entry);
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Collapsed);
  if (entry.seq !== undefined) item.id = `activity/${String(entry.seq)}`;
  item.description = describe(entry, now);
  item.iconPath = iconOf(entry);
  item.contextValue = `activity.${entry.outcome}`;
  item.accessibilityInformation = { label: `${label}, ${entry.outcome}, ${item.description.replaceAll(' · ', ', ')}` };
  return item;
}

/** All that is known of an entry, for who hovers over it. */
export function entryTooltip({ entry }: EntryNode): string {
  return [wordsOf(entry), ...detailsOf(entry).map(({ name, value }) => `${name}: ${value}`)].join('\n');
}

/** All that is known of an entry. */
export function detailsOf(entry: ActivityEntry): DetailNode[] {
  const { time, actor, agent, server, tool, method, scope, secrets, versions, outcome, errorKind, durationMs, requestId } = entry;
  const named = secrets?.map((name) => (versions?.[name] === undefined ? name : `${name} v${String(versions[name])}`));
  const details: readonly (readonly [string, string | undefined])[] = [
    ['Time', new Date(time).toLocaleString()],
    ['By', ACTORS[actor]],
    ['Agent', agent],
    ['Server', server],
    ['Tool', tool],
    ['Method', method],
    ['Scope', scope === undefined ? undefined : scopeLabel(scope)],
    [secrets?.length === 1 ? 'Secret' : 'Secrets', named?.join(', ')],
    ['Outcome', OUTCOME_WORDS[outcome].toLowerCase()],
    ['Reason', errorKind],
    ['Rule', entry.rule],
    ['Token', entry.token],
    ['May use', entry.action === 'agent.access' ? (entry.servers?.join(', ') ?? 'all servers') : undefined],
    ['Times', entry.count === undefined ? undefined : String(entry.count)],
    ['Took', durationMs === undefined ? undefined : duration(durationMs)],
    ['Request', requestId],
    ['Entry', entry.seq === undefined ? undefined : String(entry.seq)],
  ];
  return details.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [{ kind: 'detail', name, value: visible(value) }]));
}

/** One line of the details. */
export function detailItem({ name, value }: DetailNode): vscode.TreeItem {
  const item = new vscode.TreeItem(name);
  item.description = value;
  item.tooltip = `${name}: ${value}`;
  item.contextValue = 'activity.detail';
  item.accessibilityInformation = { label: `${name}: ${value}` };
  return item;
}

/** Shows older entries when it is clicked. */
export function moreItem(): vscode.TreeItem {
  const item = new vscode.TreeItem('Show older entries…');
  item.id = 'activity/more';
  item.iconPath = new vscode.ThemeIcon('history');
  item.contextValue = 'activity.more';
  item.command = { command: 'mcpSecrets.showOlderActivity', title: 'Show Older Activity' };
  return item;
}

function labelOf(entry: AuditEntry): string {
  const { action, tool, method } = entry;
  return visible((action === 'call' ? tool : action === 'request' ? method : undefined) ?? wordsOf(entry));
}

/** A newer version may have written actions that this one has no words for. */
function wordsOf({ action, rule }: AuditEntry): string {
  const words: Readonly<Record<string, string | undefined>> = WORDS;
  return (action === 'alert' && rule !== undefined ? RULE_WORDS[rule] : undefined) ?? words[action] ?? action;
}

function describe(entry: AuditEntry, now: number): string {
  const { action, server, agent, durationMs, errorKind, count, time } = entry;
  const took = durationMs === undefined ? undefined : duration(durationMs);
  const times = count === undefined ? undefined : action.startsWith('tools.') ? counted(count, 'tool') : `${String(count)} times`;
  return visible(dotted(server, agent, took, secretLabels(entry).join(', '), errorKind, times, ago(Date.parse(time), now)));
}

function iconOf({ action, outcome }: AuditEntry): vscode.ThemeIcon {
  if (action === 'alert') return new vscode.ThemeIcon('bell', new vscode.ThemeColor('list.warningForeground'));
  if (outcome === 'error') return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
  if (outcome === 'refused') return new vscode.ThemeIcon('circle-slash', new vscode.ThemeColor('list.warningForeground'));
  return new vscode.ThemeIcon(ICONS[action.split('.', 1)[0] ?? ''] ?? 'pass');
}
