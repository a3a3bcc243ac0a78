import * as vscode from 'vscode';
import type { AgentInfo } from '../../proxy/front/agents';
import { parseDuration } from '../../shared/duration';
import { SecretsError } from '../../shared/errors';
import { VSCODE_AGENT } from '../ids';
import { ago, count, dotted, span } from '../views/format';
import type { Workspace } from '../workspace';
import { approvedServers, chooseAgent, handOver, tokenLifetimeMs } from './agents';
import type { WorkspaceCommand } from './command';
import { confirm, nameIn } from './pick';

/** The commands about what agents may do. */
export const agentAccessCommands = {
  'mcpSecrets.addAgent': { needs: 'trust', run: addAgent },
  'mcpSecrets.revokeAgent': { needs: 'trust', run: revokeAgent },
  'mcpSecrets.revokeToken': { needs: 'trust', run: revokeToken },
  'mcpSecrets.chooseAgentServers': { needs: 'trust', run: chooseAgentServers },
} satisfies Record<string, WorkspaceCommand>;

const DAY_MS = 86_400_000;
const LIFETIMES_MS = [30 * DAY_MS, 90 * DAY_MS, 365 * DAY_MS];

/** Gives an agent access: to all servers or to some, for a time or for good. Its configuration goes to the clipboard. */
async function addAgent(workspace: Workspace): Promise<void> {
  const title = 'Add Agent';
  const approved = approvedServers(workspace);
  const choice = await chooseAgent(title);
  if (choice === undefined) return;
  const known = workspace.agents.list().find(({ agent }) => agent === choice.agent);
  const servers = await chooseServers(workspace, title, known);
  if (servers === undefined) return;
  const lifetimeMs = await chooseLifetime(title);
  if (lifetimeMs === undefined) return;
  const usable = servers === 'all' ? approved : approved.filter((name) => servers.includes(name));
  if (servers !== 'all' && usable.length === 0 && servers[0] !== undefined)
    throw new SecretsError('serverUnapproved', { server: servers[0] });
  await handOver(workspace, choice, usable, {
    lifetimeMs: lifetimeMs === 'never' ? undefined : lifetimeMs,
    ...(servers === 'all' && known?.servers === undefined ? {} : { servers }),
  });
}

/** Changes which servers an agent may use. What it has open with others ends. */
async function chooseAgentServers(workspace: Workspace, argument: unknown): Promise<void> {
  const title = "Choose Agent's Servers";
  const { agents, messages } = workspace;
  const agent = nameIn(argument) ?? (await pickAgent(agents.list(), title));
  if (agent === undefined) return;
  const servers = await chooseServers(
    workspace,
    title,
    agents.list().find((info) => info.agent === agent),
  );
  if (servers === undefined) return;
  await agents.allow(agent, servers, 'user');
  messages.done(`${agent} may use ${servers === 'all' ? 'all servers' : count(servers.length, 'server')}`);
}

/** Ends the access of the agent that it is called with, or of one that the user picks. */
async function revokeAgent(workspace: Workspace, argument: unknown): Promise<void> {
  const { agents, messages } = workspace;
  const agent = nameIn(argument) ?? (await pickAgent(outside(agents.list()), 'Revoke Agent'));
  if (agent === undefined) return;
  if (!(await confirm(`End the access of ${agent}?`, 'Its tokens stop working at once, and what it has open ends.', 'Revoke'))) return;
  await agents.revoke(agent, 'user');
  messages.done(`${agent} has no access any more`);
}

/** Ends one token: the one that it is called with, or one that the user picks. */
async function revokeToken(workspace: Workspace, argument: unknown): Promise<void> {
  const { agents, messages } = workspace;
  const picked = tokenIn(argument) ?? (await pickToken(outside(agents.list())));
  if (picked === undefined) return;
  const { agent, id } = picked;
  const detail = 'It stops working at once. If it is the last one of the agent, what the agent has open ends.';
  if (!(await confirm(`Revoke the token ${id} of ${agent}?`, detail, 'Revoke'))) return;
  await agents.revoke(agent, 'user', id);
  messages.done(`The token ${id} of ${agent} is revoked`);
}

/** VS Code's own token is nobody's to revoke: a new one would be made at once. */
function outside(agents: readonly AgentInfo[]): AgentInfo[] {
  return agents.filter(({ agent, tokens }) => agent !== VSCODE_AGENT && tokens.length > 0);
}

async function pickAgent(agents: readonly AgentInfo[], title: string): Promise<string | undefined> {
  const items = agents.map(({ agent, tokens: [newest, ...more] }) => ({
    label: agent,
    description: newest === undefined ? 'no token' : dotted(count(more.length + 1, 'token'), ago(newest.issuedAt)),
  }));
  const placeHolder = items.length > 0 ? 'Choose an agent' : 'No agent outside VS Code has access';
  return (await vscode.window.showQuickPick(items, { title, placeHolder }))?.label;
}

async function pickToken(agents: readonly AgentInfo[]): Promise<{ agent: string; id: string } | undefined> {
  const items = agents.flatMap(({ agent, tokens }) =>
    tokens.map(({ id, issuedAt }) => ({ label: id, description: dotted(agent, `issued ${ago(issuedAt)}`), agent, id })),
  );
  const placeHolder = items.length > 0 ? 'Choose a token' : 'No agent outside VS Code has access';
  return vscode.window.showQuickPick(items, { title: "Revoke Agent's Token", placeHolder });
}

/** The token of an item of the view Agents. */
function tokenIn(argument: unknown): { agent: string; id: string } | undefined {
  const agent = nameIn(argument);
  if (agent === undefined || typeof argument !== 'object' || argument === null || !('token' in argument)) return undefined;
  const { token } = argument;
  if (typeof token !== 'object' || token === null || !('id' in token) || typeof token.id !== 'string') return undefined;
  return { agent, id: token.id };
}

/** Returns the names of servers, or `all`: those to come, too. */
async function chooseServers({ servers }: Workspace, title: string, known: AgentInfo | undefined): Promise<string[] | 'all' | undefined> {
  const limited = known?.servers !== undefined;
  const ways = [
    { label: '$(server) All servers', description: dotted(known && !limited ? 'as now' : undefined, 'those to come, too'), all: true },
    {
      label: '$(list-selection) Only certain servers…',
      description: limited ? `now: ${known.servers.join(', ') || 'none'}` : '',
      all: false,
    },
  ];
  const way = await vscode.window.showQuickPick(limited ? ways.reverse() : ways, {
    title,
    placeHolder: 'Which servers may it use?',
    ignoreFocusOut: true,
  });
  if (way === undefined) return undefined;
  if (way.all) return 'all';
  const items = [...servers.file().servers.values()].map(({ name, type }) => ({
    label: name,
    description: type,
    picked: known?.servers?.includes(name) ?? false,
  }));
  const placeHolder = 'It may use those that are checked, and no others';
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder, canPickMany: true, ignoreFocusOut: true });
  return picked?.map(({ label }) => label);
}

/** Asks how long a token lasts; what the settings say comes first. */
async function chooseLifetime(title: string): Promise<number | 'never' | undefined> {
  const usual = tokenLifetimeMs();
  const others = [undefined, ...LIFETIMES_MS].filter((ms) => ms !== usual);
  const items = [usual, ...others].map((ms, index) => ({
    label: ms === undefined ? 'Until it is revoked' : `For ${span(ms)}`,
    description: index === 0 ? 'the default in the settings' : '',
    ms,
  }));
  items.push({ label: 'For another time…', description: '', ms: NaN });
  const item = await vscode.window.showQuickPick(items, { title, placeHolder: 'How long is its token valid?', ignoreFocusOut: true });
  if (item === undefined) return undefined;
  if (item.ms === undefined) return 'never';
  if (!Number.isNaN(item.ms)) return item.ms;
  const text = await vscode.window.showInputBox({
    title,
    prompt: 'How long its token is valid: 12h, 45d, 6w, 2y',
    ignoreFocusOut: true,
    validateInput: (typed) => (typed === '' || parseDuration(typed) !== undefined ? undefined : 'Give a span as 45d.'),
  });
  return text === undefined ? undefined : parseDuration(text);
}
