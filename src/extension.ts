import * as vscode from 'vscode';
import { registerCommands } from './editor/commands/table';
import { registerAlerts } from './editor/alerts';
import { registerAutoLock } from './editor/autoLock';
import { registerBackupOffer } from './editor/backupOffer';
import { Container } from './editor/container';
import { registerDiagnostics } from './editor/diagnostics';
import { registerRotationResume } from './editor/keyRotation';
import { registerMcpProvider } from './editor/mcpProvider';
import { notify } from './editor/notify';
import { registerReminders } from './editor/reminders';
import { registerSchema } from './editor/schemaProvider';
import { registerStatusBar } from './editor/statusBar';
import { messageOf } from './shared/errors';
import type { Workspace } from './editor/workspace';

/** What `activate` gives to whoever asks for the extension's exports. */
export interface Exports {
  /** How long activation took, in milliseconds. */
  readonly activatedInMs: number;
  /** Our services, for tests inside VS Code only: other extensions must not get hold of a vault. */
  readonly container?: Container;
}

let container: Container | undefined;

/** Called by VS Code when something of ours is first used. Registers everything, reads nothing. */
export function activate(context: vscode.ExtensionContext): Exports {
  const start = performance.now();
  try {
    const made = new Container(context);
    container = made;
    context.subscriptions.push(
      registerCommands(made),
      registerMcpProvider(made.workspace),
      registerSchema(made.workspace),
      registerStatusBar(made.workspace, made.state),
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        made.serveExpectedAgents();
      }),
      ...(made.workspace === undefined ? [] : registerWorkspace(made, made.workspace)),
    );
    setImmediate(() => {
      made.workspace?.streaming.start();
      made.serveExpectedAgents();
    });
    const activatedInMs = performance.now() - start;
    return context.extensionMode === vscode.ExtensionMode.Test ? { activatedInMs, container: made } : { activatedInMs };
  } catch (error) {
    // VS Code itself keeps silent about this.
    void notify('error', `MCP Secrets could not be activated. ${messageOf(error)}`);
    throw error;
  }
}

/** What there is only with a folder. */
function registerWorkspace({ context, state, secretsView }: Container, workspace: Workspace): vscode.Disposable[] {
  return [
    registerDiagnostics(workspace),
    registerAutoLock(workspace),
    registerRotationResume(workspace, state),
    registerReminders(workspace, secretsView, context.workspaceState),
    registerAlerts(workspace),
    registerBackupOffer(workspace, context.workspaceState),
  ];
}

/** Called by VS Code when the window closes: ends children and sessions, and writes what is still to be written. */
export async function deactivate(): Promise<void> {
  await container?.close();
  container = undefined;
}
