import * as vscode from 'vscode';
import type { CallGrant } from '../../bindings/callGrants';
import type { Server } from '../../bindings/server';
import { toolStates } from '../../bindings/toolState';
import { explain } from '../../proxy/explain';
import { explanationText } from '../../proxy/explanationText';
import { systemClock } from '../../shared/clock';
import { visible } from '../../shared/visible';
import { callSettings } from '../callSettings';
import { VSCODE_AGENT } from '../ids';
import { plain } from '../plain';
import { previewText } from '../planPreview';
import { ago, dotted } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { pickServer } from './pick';

/** The commands about what agents may do. */
export const policyCommands = {
  'mcpSecrets.explainCall': { needs: 'trust', run: explainCall },
  'mcpSecrets.revokeConsent': { needs: 'trust', run: revokeConsent },
} satisfies Record<string, WorkspaceCommand>;

const TITLE = 'Explain Call';

/** Shows what a server would receive with a call, and why a call would be refused. Opens and contacts nothing. */
async function explainCall(workspace: Workspace, argument: unknown): Promise<void> {
  const server = await pickServer(workspace, argument, TITLE);
  if (server === undefined) return;
  const tool = await askTool(workspace, server);
  if (tool === undefined) return;
  const args = tool === '' ? {} : await askArguments(tool);
  if (args === undefined) return;
  const agent = await pickAgent(workspace);
  if (agent === undefined) return;
  const { vaults, approvals, pins, grants, agents } = workspace;
  const call = { server, agent, tool: tool === '' ? undefined : tool, arguments: args };
  const explanation = await explain(call, {
    ...callSettings,
    vault: vaults,
    approvals,
    pins,
    grants,
    mayUse: (name, to) => agents.mayUse(name, to),
    asks: true,
    clock: systemClock,
  });
  await previewText(tool === '' ? `Requests to ${server.name}` : `Call of ${visible(tool)}`, explanationText(explanation).join('\n'));
}

/** A tool that is known, or another name; empty: no tool. */
async function askTool({ pins }: Workspace, server: Server): Promise<string | undefined> {
  const known = toolStates(pins, server).filter(({ kind }) => kind === 'tool');
  const other = { label: 'Another Tool…', tool: undefined };
  const items = [
    ...known.map(({ name }) => ({ label: plain(visible(name)), tool: name })),
    { label: 'No Tool', description: 'what any other request gets', tool: '' },
    other,
  ];
  const item = await vscode.window.showQuickPick(items, { title: TITLE, placeHolder: 'Which tool is called?' });
  if (item !== other) return item?.tool;
  return vscode.window.showInputBox({ title: TITLE, prompt: 'The name of the tool, as the server lists it' });
}

async function askArguments(tool: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await vscode.window.showInputBox({
    title: TITLE,
    prompt: `The arguments of ${plain(visible(tool))}, as JSON`,
    value: '{}',
    validateInput: (input) => (objectIn(input) === undefined ? 'This must be a JSON object.' : undefined),
  });
  return text === undefined ? undefined : objectIn(text);
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

async function pickAgent({ agents }: Workspace): Promise<string | undefined> {
  const names = [...new Set([VSCODE_AGENT, ...agents.list().map(({ agent }) => agent)])];
  return names.length === 1 ? names[0] : vscode.window.showQuickPick(names, { title: TITLE, placeHolder: 'Which agent calls it?' });
}

/** Takes back what was allowed for good. */
async function revokeConsent({ grants, messages }: Workspace): Promise<void> {
  const items = grants.list().map((grant) => ({
    label: plain(visible(grant.tool)),
    description: dotted(grant.server, grant.agent ?? 'every agent', ago(grant.grantedAt)),
    grant,
  }));
  const placeHolder = items.length > 0 ? 'Which calls need your consent again?' : 'No calls are allowed for good';
  const chosen = await vscode.window.showQuickPick(items, { title: 'Take Back Consent to Calls', placeHolder, canPickMany: true });
  for (const { grant } of chosen ?? []) await grants.revoke(whichOf(grant), 'user');
  if (chosen !== undefined && chosen.length > 0) messages.done('Such calls need your consent again');
}

function whichOf({ server, tool, agent }: CallGrant): { server: string; tool: string; agent?: string } {
  return { server, tool, ...(agent === undefined ? {} : { agent }) };
}
