import * as vscode from 'vscode';
import type { AgentKind, Endpoint } from '../../agents/configuration';
import { agentKinds, configurationFor, endpointOf, endpointOfAll } from '../../agents/configuration';
import { refuseName } from '../../proxy/front/agents';
import { parseDuration } from '../../shared/duration';
import { SecretsError } from '../../shared/errors';
import { notify } from '../notify';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { nameIn, problemOf } from './pick';

/** The command that gives an agent outside VS Code access in a few steps. */
export const agentCommands = {
  'mcpSecrets.copyConfiguration': { needs: 'trust', run: copyConfiguration },
} satisfies Record<string, WorkspaceCommand>;

const TITLE = 'Copy MCP Configuration';
const ICONS: Record<AgentKind, string> = { claudeCode: 'sparkle', cursor: 'edit', codex: 'terminal', vscode: 'vscode', other: 'json' };

/** Gives an agent access to approved servers: a token of its own, in a configuration on the clipboard. */
async function copyConfiguration(workspace: Workspace, argument: unknown): Promise<void> {
  const approved = approvedServers(workspace, nameIn(argument));
  const choice = await chooseAgent(TITLE);
  if (choice !== undefined) await handOver(workspace, choice, approved, { lifetimeMs: tokenLifetimeMs() });
}

/** The names of all approved servers, or of the one that is named. @throws SecretsError if there is none. */
export function approvedServers(workspace: Workspace, only?: string): string[] {
  const known = [...workspace.servers.file().servers.values()];
  const wanted = only === undefined ? known : [workspace.servers.get(only)];
  const approved = wanted.filter((server) => workspace.approvals.isApproved(server)).map(({ name }) => name);
  const [first] = wanted;
  if (first === undefined)
    workspace.servers.get(''); // Says what is wrong: no servers, or a file with errors.
  else if (approved.length === 0) throw new SecretsError('serverUnapproved', { server: first.name });
  return approved;
}

/** An agent, and the form of configuration that it reads. */
export interface AgentChoice {
  readonly agent: string;
  readonly form: AgentKind;
}

/** Asks which agent is to have access. */
export async function chooseAgent(title: string): Promise<AgentChoice | undefined> {
  const items = agentKinds.map(({ kind, label, place }) => ({
    label: `$(${ICONS[kind]}) ${label}`,
    description: place,
    form: kind,
    agent: label,
  }));
  const item = await vscode.window.showQuickPick(items, { title, placeHolder: 'Which agent is it for?', ignoreFocusOut: true });
  if (item?.form !== 'other') return item;
  const agent = await askAgentName(title);
  return agent === undefined ? undefined : { agent, form: 'other' };
}

/** How long new tokens are valid by the settings, in ms; `undefined`: until they are revoked. */
export function tokenLifetimeMs(): number | undefined {
  const text: unknown = vscode.workspace.getConfiguration('mcpSecrets').get('agentTokenLifetime');
  return typeof text === 'string' ? parseDuration(text) : undefined;
}

/**
 * Issues a token and puts the configuration with it on the clipboard.
 * @param lifetimeMs how long it is valid; `undefined`: until it is revoked. @param servers those that the agent may use from now on; default: as before.
 */
export async function handOver(
  workspace: Workspace,
  { agent, form }: AgentChoice,
  approved: readonly string[],
  { lifetimeMs, servers }: { readonly lifetimeMs: number | undefined; readonly servers?: readonly string[] | 'all' },
): Promise<void> {
  const choice = approved.length === 1 ? each(approved) : await chooseEndpoints(approved);
  if (choice === undefined) return;
  const { url } = await workspace.proxy.startForOthers();
  const token = await workspace.agents.issue(agent, 'user', {
    ...(lifetimeMs === undefined ? {} : { expiresAt: Date.now() + lifetimeMs }),
    ...(servers === undefined ? {} : { servers }),
  });
  const { text, hint } = configurationFor(form, choice.endpoints(url), token);
  await vscode.env.clipboard.writeText(text);
  await notify('info', `${choice.what} for ${agent} copied. ${hint}`);
}

/** What an agent is given. */
interface EndpointChoice {
  /** In words, for the message that says it is done. */
  readonly what: string;
  readonly endpoints: (proxy: string) => readonly Endpoint[];
}

function each(servers: readonly string[]): EndpointChoice {
  return { what: count(servers.length, 'server'), endpoints: (proxy) => servers.map((server) => endpointOf(proxy, server)) };
}

function all(search: boolean): EndpointChoice {
  return { what: 'All servers', endpoints: (proxy) => [endpointOfAll(proxy, search)] };
}

async function chooseEndpoints(servers: readonly string[]): Promise<EndpointChoice | undefined> {
  const items: (vscode.QuickPickItem & { readonly choice?: EndpointChoice })[] = [
    {
      label: '$(layers) All servers (one endpoint)',
      description: 'tools are named after their servers; new servers join by themselves',
      choice: all(false),
    },
    {
      label: '$(search) All servers (one endpoint, search mode)',
      description: 'three tools to find, describe and call the others, for agents with little room',
      choice: all(true),
    },
    { label: '$(list-unordered) Each server by itself', description: count(servers.length, 'endpoint'), choice: each(servers) },
    { label: 'One server', kind: vscode.QuickPickItemKind.Separator },
    ...servers.map((server) => ({ label: `$(server) ${server}`, choice: each([server]) })),
  ];
  return (await vscode.window.showQuickPick(items, { title: TITLE, placeHolder: 'What shall it reach?' }))?.choice;
}

function askAgentName(title: string): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title,
    prompt: 'The name of the agent, as it shall appear in Activity',
    value: 'Other agent',
    ignoreFocusOut: true,
    validateInput: (text) =>
      problemOf(() => {
        refuseName(text);
      }),
  });
}
