import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { Server } from '../../bindings/server';
import { flagWords } from '../../bindings/toolFlags';
import { shownIn, waitingStates } from '../../bindings/toolState';
import type { ToolState } from '../../bindings/toolState';
import { differenceOf } from '../../bindings/toolText';
import { visible } from '../../shared/visible';
import type { ToolNode } from '../views/toolNodes';
import { count } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { nameIn, pickServer } from './pick';

/** The commands about tools of servers. */
export const toolCommands = {
  'mcpSecrets.reviewTools': { needs: 'trust', run: reviewTools },
} satisfies Record<string, WorkspaceCommand>;

const SCHEME = 'mcp-secrets-tools';

/** Shows what a server offers beside what was accepted, then asks. @param argument a server, or one tool of it. */
async function reviewTools(workspace: Workspace, argument: unknown): Promise<void> {
  const { pins } = workspace;
  const one = isToolNode(argument) ? argument : undefined;
  const server = one?.server ?? (await pickServer(workspace, nameIn(argument), 'Review Tools', (s) => waitingStates(pins, s).length > 0));
  if (server === undefined) return;
  // As it is now: the item may be old.
  const waiting = waitingStates(pins, server).filter(
    ({ kind, name }) => one === undefined || (kind === one.state.kind && name === one.state.name),
  );
  if (waiting.length === 0) {
    workspace.messages.done(`Nothing of server ${server.name} waits for a review`);
    return;
  }
  const subject = [server.name, ...waiting.map(({ kind, name }) => `${kind} ${name}`)].join('\n');
  if (underReview.has(subject)) return;
  underReview.add(subject);
  try {
    if (!(await review(server, waiting))) return;
    await pins.accept(server, shownIn(waiting), 'user');
    workspace.messages.done(`${count(waiting.length, 'tool')} of server ${server.name} accepted`);
  } finally {
    underReview.delete(subject);
  }
}

/** VS Code runs the command of an item with each click of a double click: the second one must not end the first. */
const underReview = new Set<string>();

/** @returns whether the user accepts what is shown. */
async function review(server: Server, waiting: readonly ToolState[]): Promise<boolean> {
  const difference = await showDifference(server, waiting);
  try {
    return await askToAccept(server, waiting);
  } finally {
    await difference.close();
  }
}

/** The question lies over the first lines. */
const UNDER_THE_QUESTION = '\n'.repeat(6);

/** Opens VS Code's own view of differences, read-only. @returns what closes it. */
async function showDifference(server: Server, waiting: readonly ToolState[]): Promise<{ close(): Promise<void> }> {
  const texts = differenceOf(waiting);
  // Of its own: another review may be closing at this moment.
  const query = randomUUID();
  const uri = (side: 'accepted' | 'offered'): vscode.Uri =>
    vscode.Uri.from({ scheme: SCHEME, authority: side, path: `/Tools of ${server.name}`, query });
  const provider = vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: (asked) =>
      asked.query === query ? UNDER_THE_QUESTION + (asked.authority === 'accepted' ? texts.accepted : texts.offered) : undefined,
  });
  const title = waiting.length === 1 ? visible(waiting[0]?.name ?? '') : count(waiting.length, 'tool');
  try {
    await vscode.commands.executeCommand('vscode.diff', uri('accepted'), uri('offered'), `${server.name}: ${title} (accepted ↔ offered)`, {
      preview: true,
    });
  } catch (error) {
    provider.dispose();
    throw error;
  }
  return {
    close: async () => {
      provider.dispose();
      await closeTabs(query);
    },
  };
}

/** What is open is offered to the chat as context, and this was kept from agents. */
async function closeTabs(query: string): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  await vscode.window.tabGroups.close(
    tabs.filter(
      ({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.scheme === SCHEME && input.modified.query === query,
    ),
  );
}

/** The difference can be read while this is open. What is chosen at first, and by Escape, changes nothing. */
async function askToAccept(server: Server, waiting: readonly ToolState[]): Promise<boolean> {
  const what = waiting.length === 1 ? 'It' : `All ${String(waiting.length)}`;
  const flags = [...new Set(waiting.flatMap((state) => state.flags))];
  const warning = flags.length === 0 ? '' : `Suspicious: ${waiting.length === 1 ? 'it' : 'one'} ${flagWords(flags)}. `;
  const keep = { label: '$(circle-slash) Keep Blocked', detail: `${what} stay${waiting.length === 1 ? 's' : ''} hidden from agents.` };
  const accept = {
    label: `$(check) Accept ${count(waiting.length, 'Tool')}`,
    detail: `${warning}Agents get ${waiting.length === 1 ? 'it' : 'them'} as shown on the right, until the server changes ${waiting.length === 1 ? 'it' : 'them'} again.`,
  };
  const chosen = await vscode.window.showQuickPick([keep, accept], {
    title: `Review Tools of ${server.name}`,
    placeHolder: 'Read the difference, then decide',
    ignoreFocusOut: true,
  });
  return chosen === accept;
}

function isToolNode(argument: unknown): argument is ToolNode {
  return typeof argument === 'object' && argument !== null && 'kind' in argument && argument.kind === 'tool';
}
