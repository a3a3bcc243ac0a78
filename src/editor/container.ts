import * as vscode from 'vscode';
import { Log } from './log';
import { Messages } from './messages';
import type { ProxyHost } from './proxyHost';
import { StateModel } from './state';
import { sharedStorage } from './stores/sharedStorage';
import { ActivityView } from './views/activityView';
import { AgentsView } from './views/agentsView';
import { SecretsView } from './views/secretsView';
import { ServersView } from './views/serversView';
import { Workspace } from './workspace';

/** All services of the extension in one window. Wires them together, and reads nothing. */
export class Container implements vscode.Disposable {
  readonly context: vscode.ExtensionContext;
  readonly log = new Log();
  readonly messages = new Messages(this.log);
  /** The first folder of the window, where secrets and servers live; `undefined` if there is none on this machine. */
  readonly workspace: Workspace | undefined;
  readonly state: StateModel;
  readonly secretsView: SecretsView;
  readonly serversView: ServersView;
  readonly activityView: ActivityView;
  readonly agentsView: AgentsView;

  constructor(context: vscode.ExtensionContext) {
    this.context = context;
    const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file');
    const storage = context.storageUri;
    const workspace =
      folder === undefined || storage === undefined
        ? undefined
        : new Workspace({ context, folder, storage: sharedStorage(storage), log: this.log, messages: this.messages });
    this.workspace = workspace;
    const initial = workspace === undefined ? 'noFolder' : vscode.workspace.isTrusted ? 'ready' : 'untrusted';
    this.state = new StateModel(initial, () => (workspace === undefined ? Promise.resolve('noFolder') : askVault(workspace)));
    this.secretsView = new SecretsView(workspace, this.state);
    this.serversView = new ServersView(workspace, this.state);
    this.activityView = new ActivityView(workspace);
    this.agentsView = new AgentsView(workspace);
    workspace?.onDidChange(() => this.state.refresh());
  }

  /** Starts the proxy, if an agent outside VS Code was told its address earlier. */
  serveExpectedAgents(): void {
    const { workspace } = this;
    if (workspace === undefined || !vscode.workspace.isTrusted) return;
    startIfExpected(workspace.proxy).catch((error: unknown) => this.messages.showError(error));
  }

  /** Looks at everything again. */
  refresh(): void {
    if (this.workspace === undefined) return;
    this.workspace.vaults.refresh();
    this.workspace.serversFileChanged();
    this.activityView.refresh();
  }

  /** Ends what was started; resolves when it has ended. */
  async close(): Promise<void> {
    await this.workspace?.close();
    this.dispose();
  }

  dispose(): void {
    for (const part of [this.secretsView, this.serversView, this.activityView, this.agentsView, this.state, this.workspace, this.log])
      part?.dispose();
  }
}

/** Async, so that what is thrown on the way to the vault becomes a rejection too. */
async function askVault({ vaults }: Workspace): ReturnType<Workspace['vaults']['state']> {
  return vaults.state();
}

async function startIfExpected(proxy: ProxyHost): Promise<void> {
  if (proxy.isExpected) await proxy.start();
}
