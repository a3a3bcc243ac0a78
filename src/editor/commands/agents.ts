import * as vscode from 'vscode';
import type { AgentKind } from '../../agents/configuration';
import { agentKinds, configurationFor } from '../../agents/configuration';
import { SecretsError } from '../../shared/errors';
import { VSCODE_AGENT } from '../ids';
import { ago, count, dotted } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { confirm, nameIn } from './pick';

/** The commands about agents outside VS Code. */
export const agentCommands = {
  'mcpSecrets.copyConfiguration': { needs: 'trust', run: copyConfiguration },
  'mcpSecrets.revokeAgent': { needs: 'trust', run: revokeAgent },
} satisfies Record<string, WorkspaceCommand>;

const ICONS: Record<AgentKind, string> = { claudeCode: 'sparkle', cursor: 'edit', codex: 'terminal', vscode: 'vscode', other: 'json' };

/** Gives an agent access to approved servers: a token of its own, in a configuration on the clipboard. */
async function copyConfiguration(workspace: Workspace, argument: unknown): Promise<void> {
  const only = nameIn(argument);
  const all = [...workspace.servers.file().servers.values()];
  const wanted = only === undefined ? all : [workspace.servers.get(only)];
  const approved = wanted.filter((server) => workspace.approvals.isApproved(server)).map(({ name }) => name);
  const [first] = wanted;
  if (first === undefined)
    workspace.servers.get(''); // Says what is wrong: no servers, or a file with errors.
  else if (approved.length === 0) throw new SecretsError('serverUnapproved', { server: first.name });

  const items = agentKinds.map(({ kind, label, place }) => ({
    label: `$(${ICONS[kind]}) ${label}`,
    description: place,
    form: kind,
    agent: label,
  }));
  const item = await vscode.window.showQuickPick(items, { title: 'Copy MCP Configuration', placeHolder: 'Which agent is it for?' });
  if (item === undefined) return;
  const agent = item.form === 'other' ? await askAgentName() : item.agent;
  if (agent === undefined) return;

  const { url } = await workspace.proxy.startForOthers();
  const token = await workspace.agents.issue(agent, 'user', Date.now());
  const endpoints = approved.map((server) => ({ server, url: `${url}/mcp/${encodeURIComponent(server)}` }));
  const { text, hint } = configurationFor(item.form, endpoints, token);
  await vscode.env.clipboard.writeText(text);
  await vscode.window.showInformationMessage(`${count(approved.length, 'server')} for ${agent} copied. ${hint}`);
}

function askAgentName(): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: 'Copy MCP Configuration',
    prompt: 'The name of the agent, as it shall appear in Activity',
    value: 'Other agent',
    validateInput: (text) => {
      if (!/^[\p{L}\p{N} ._-]{1,40}$/u.test(text)) return 'Use 1 to 40 letters, digits, spaces, ".", "_" or "-".';
      return text === VSCODE_AGENT ? 'VS Code itself goes by this name.' : undefined;
    },
  });
}

/** Ends the access of the agent that it is called with, or of one that the user picks. */
async function revokeAgent(workspace: Workspace, argument: unknown): Promise<void> {
  const { agents, messages } = workspace;
  const agent = nameIn(argument) ?? (await pickAgent(workspace));
  if (agent === undefined) return;
  if (!(await confirm(`End the access of ${agent}?`, 'Its tokens stop working at once.', 'Revoke'))) return;
  await agents.revoke(agent, 'user');
  messages.done(`${agent} has no access any more`);
}

async function pickAgent({ agents }: Workspace): Promise<string | undefined> {
  const items = agents
    .list()
    .map(({ agent, tokens, issuedAt }) => ({ label: agent, description: dotted(count(tokens, 'token'), ago(issuedAt)) }));
  const placeHolder = items.length > 0 ? 'Choose an agent' : 'No agent outside VS Code has access';
  return (await vscode.window.showQuickPick(items, { title: 'Revoke Agent', placeHolder }))?.label;
}
