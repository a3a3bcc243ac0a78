import * as vscode from 'vscode';
import type { AgentInfo, TokenInfo } from '../../proxy/front/agents';
import { visible } from '../../shared/visible';
import { VSCODE_AGENT } from '../ids';
import { ago, ahead, count, dotted } from './format';

const { Collapsed, None } = vscode.TreeItemCollapsibleState;

/** An agent. */
export interface AgentNode {
  readonly kind: 'agent';
  readonly name: string;
  readonly info: AgentInfo;
}

/** One token of an agent. */
export interface TokenNode {
  readonly kind: 'token';
  /** The agent's name. */
  readonly name: string;
  readonly token: TokenInfo;
}

/** An item of the view Agents. */
export type AgentsViewNode = AgentNode | TokenNode;

/** An agent with what it may do, and when it last did. @param now ms since the epoch. */
export function agentItem({ name, info }: AgentNode, now: number): vscode.TreeItem {
  const item = new vscode.TreeItem(name, info.tokens.length > 0 ? Collapsed : None);
  const valid = info.tokens.filter((token) => !isExpired(token, now)).length;
  item.id = `agent/${name}`;
  item.contextValue = name === VSCODE_AGENT ? 'agent.own' : info.tokens.length > 0 ? 'agent.known' : 'agent.former';
  item.iconPath = new vscode.ThemeIcon(valid > 0 ? 'account' : 'circle-slash');
  item.description = dotted(valid === 0 ? 'no access' : count(valid, 'token'), serversOf(info), usedWords(lastUse(info), now));
  item.tooltip = [
    name,
    // It could say anything.
    ...(info.client === undefined ? [] : [`Calls itself "${visible(info.client)}" (a claim, not checked)`]),
    `May use ${serversOf(info)}`,
    ...(name === VSCODE_AGENT ? ['VS Code itself. Its token is never kept, and ends with this window.'] : []),
  ].join('\n');
  item.accessibilityInformation = { label: `Agent ${name}, ${spoken(item.description)}` };
  return item;
}

/** A token with its dates, by its id. @param now ms since the epoch. */
export function tokenItem({ name, token }: TokenNode, now: number): vscode.TreeItem {
  const { id, lasting, issuedAt, expiresAt, lastUsedAt } = token;
  const expired = isExpired(token, now);
  const item = new vscode.TreeItem(id);
  item.id = `agent/${name}/${id}`;
  item.contextValue = lasting ? 'token.lasting' : 'token.temporary';
  item.iconPath = expired ? new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground')) : new vscode.ThemeIcon('key');
  const end = expiresAt === undefined ? undefined : expired ? `expired ${ago(expiresAt, now)}` : `expires ${ahead(expiresAt, now)}`;
  item.description = dotted(lasting ? end : 'ends with this window', `issued ${ago(issuedAt, now)}`, usedWords(lastUsedAt, now));
  item.tooltip = [
    `Token ${id} of ${name}. The token itself is kept nowhere.`,
    `Issued ${time(issuedAt)}`,
    ...(expiresAt === undefined ? [] : [`${expired ? 'Expired' : 'Expires'} ${time(expiresAt)}`]),
    ...(lastUsedAt === undefined ? [] : [`Last used ${time(lastUsedAt)}`]),
  ].join('\n');
  item.accessibilityInformation = { label: `Token ${id} of ${name}, ${spoken(item.description)}` };
  return item;
}

function isExpired({ expiresAt = Infinity }: TokenInfo, now: number): boolean {
  return expiresAt <= now;
}

function lastUse({ tokens }: AgentInfo): number | undefined {
  const uses = tokens.flatMap(({ lastUsedAt }) => lastUsedAt ?? []);
  return uses.length > 0 ? Math.max(...uses) : undefined;
}

function serversOf({ servers }: AgentInfo): string {
  if (servers === undefined) return 'all servers';
  return servers.length === 0 ? 'no server' : `only ${servers.join(', ')}`;
}

function usedWords(lastUsedAt: number | undefined, now: number): string {
  return lastUsedAt === undefined ? 'not used yet' : `used ${ago(lastUsedAt, now)}`;
}

function time(ms: number): string {
  return new Date(ms).toLocaleString();
}

function spoken(text: string): string {
  return text.replaceAll(' · ', ', ');
}
