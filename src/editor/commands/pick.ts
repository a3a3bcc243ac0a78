import * as vscode from 'vscode';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import { askInDialog } from '../notify';
import { plain } from '../plain';
import type { Workspace } from '../workspace';
import { count, dotted } from '../views/format';

/** A name that a command was called with: an item of a view, or the name itself. */
export function nameIn(argument: unknown): string | undefined {
  if (typeof argument === 'string') return argument;
  if (typeof argument !== 'object' || argument === null || !('name' in argument)) return undefined;
  return typeof argument.name === 'string' ? argument.name : undefined;
}

/** The name of the server that a command is about: the one it was called with, else one that the user picks. */
export async function pickServerName(
  workspace: Workspace,
  argument: unknown,
  title: string,
  suits: (server: Server) => boolean = () => true,
): Promise<string | undefined> {
  const given = nameIn(argument);
  if (given !== undefined) return given;
  const { servers } = workspace.servers.file();
  if (servers.size === 0) {
    workspace.servers.get(''); // Says what is wrong: no servers, or a file with errors.
  }
  const items = [...servers.values()].filter(suits).map((server) => ({
    label: server.name,
    description: dotted(server.type, stateOf(workspace, server), count(server.bindings.length, 'secret')),
    iconPath: new vscode.ThemeIcon('server'),
  }));
  const placeHolder = items.length > 0 ? 'Choose a server' : 'There is no server that this can be done with';
  return (await vscode.window.showQuickPick(items, { title, placeHolder }))?.label;
}

/** Like `pickServerName`, and reads it. @throws SecretsError as `ServersSource.get`. */
export async function pickServer(
  workspace: Workspace,
  argument: unknown,
  title: string,
  suits?: (server: Server) => boolean,
): Promise<Server | undefined> {
  const name = await pickServerName(workspace, argument, title, suits);
  return name === undefined ? undefined : workspace.servers.get(name);
}

/** Asks for a yes that cannot be taken back. */
export async function confirm(question: string, detail: string, yes: string): Promise<boolean> {
  return (await askInDialog(question, detail, yes)) === yes;
}

/** Why an answer to a question is none, for the box that it is typed in. */
export function problemOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof SecretsError) return plain(error.message);
    throw error;
  }
}

function stateOf({ approvals, proxy }: Workspace, server: Server): string {
  return approvals.isApproved(server) ? proxy.status(server.name).state : 'needs approval';
}
