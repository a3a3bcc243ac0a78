import * as vscode from 'vscode';
import { planDigest } from '../bindings/plan';
import { SecretsError } from '../shared/errors';
import type { AgentTokens } from '../proxy/front/agentTokens';
import type { ProxyAddress } from '../proxy/proxy';
import { PROVIDER_ID, VSCODE_AGENT } from './ids';
import type { Workspace } from './workspace';

/** Offers the servers to VS Code's own MCP client, which reaches them through the proxy's socket. */
export function registerMcpProvider(workspace: Workspace | undefined): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const provider = new McpProvider(workspace, changed.event);
  return vscode.Disposable.from(
    changed,
    workspace?.onDidChangeServers(() => {
      changed.fire();
    }) ?? new vscode.Disposable(() => undefined),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      changed.fire();
    }),
    vscode.lm.registerMcpServerDefinitionProvider(PROVIDER_ID, provider),
  );
}

/** The provider itself; see `registerMcpProvider`. */
export class McpProvider implements vscode.McpServerDefinitionProvider<vscode.McpHttpServerDefinition> {
  readonly onDidChangeMcpServerDefinitions: vscode.Event<void>;
  readonly #workspace: Workspace | undefined;
  #token: { readonly address: ProxyAddress; readonly value: string } | undefined;

  constructor(workspace: Workspace | undefined, changed: vscode.Event<void>) {
    this.#workspace = workspace;
    this.onDidChangeMcpServerDefinitions = changed;
  }

  /** VS Code keeps what this returns on disk in clear text: addresses and names only. */
  provideMcpServerDefinitions(): vscode.McpHttpServerDefinition[] {
    const workspace = this.#workspace;
    if (workspace === undefined || !vscode.workspace.isTrusted) return [];
    const servers = [...workspace.servers.file().servers.values()];
    return servers.map(
      (server) =>
        new vscode.McpHttpServerDefinition(server.name, socketUri(workspace.socketPath, server.name), {}, planDigest(server).slice(0, 16)),
    );
  }

  /** Called when a server is about to start: the token is added here, and is kept by nobody. */
  async resolveMcpServerDefinition(definition: vscode.McpHttpServerDefinition): Promise<vscode.McpHttpServerDefinition | undefined> {
    const workspace = this.#workspace;
    if (workspace === undefined || !vscode.workspace.isTrusted)
      throw new SecretsError(workspace === undefined ? 'noFolder' : 'untrusted', {});
    const server = workspace.servers.get(definition.label);
    if (!workspace.approvals.isApproved(server)) {
      const denied = workspace.approvalDialog.wasDenied(server);
      // Whoever has said no is not asked again by every message in the chat, but told why nothing starts.
      if (denied) void workspace.messages.showError(new SecretsError('serverUnapproved', { server: server.name }));
      if (denied || !(await workspace.approvalDialog.ask(server))) return undefined;
    }
    const address = await workspace.proxy.start();
    definition.headers = { Authorization: `Bearer ${this.#tokenFor(address, workspace.agents)}` };
    return definition;
  }

  /** The token of VS Code itself: a new one after a restart of the proxy, and after all tokens were revoked. */
  #tokenFor(address: ProxyAddress, agents: AgentTokens): string {
    if (this.#token?.address !== address || agents.verify(this.#token.value) === undefined)
      this.#token = { address, value: agents.issueTemporary(VSCODE_AGENT, Date.now()) };
    return this.#token.value;
  }
}

/** `unix:///path.sock#/mcp/name`, or `pipe:///pipe/…` on Windows: the forms that VS Code's MCP client knows. */
export function socketUri(socketPath: string, server: string): vscode.Uri {
  const fragment = `/mcp/${server}`;
  const pipe = /^\\\\\.\\pipe\\(.+)$/.exec(socketPath)?.[1];
  return vscode.Uri.from(
    pipe === undefined ? { scheme: 'unix', path: socketPath, fragment } : { scheme: 'pipe', path: `/pipe/${pipe}`, fragment },
  );
}
