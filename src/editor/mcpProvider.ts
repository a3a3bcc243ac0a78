import * as vscode from 'vscode';
import { planDigest } from '../bindings/plan';
import type { Server } from '../bindings/server';
import { SecretsError } from '../shared/errors';
import type { Agents } from '../proxy/front/agents';
import type { ProxyAddress } from '../proxy/proxy';
import { digestOf } from '../shared/canonicalJson';
import { callSettings } from './callSettings';
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
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('mcpSecrets.endpoint') || event.affectsConfiguration('mcpSecrets.mergedTools')) changed.fire();
    }),
    vscode.lm.registerMcpServerDefinitionProvider(PROVIDER_ID, provider),
  );
}

/** Under this name VS Code knows all servers as one. No server can have a name with a space. */
const MERGED_LABEL = 'MCP Secrets';

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
    if (isMerged()) return servers.length === 0 ? [] : [mergedDefinition(workspace, servers)];
    return servers.map(
      (server) =>
        new vscode.McpHttpServerDefinition(server.name, socketUri(workspace.socketPath, server.name), {}, versionOf(workspace, server)),
    );
  }

  /** Called when a server is about to start: the token is added here, and is kept by nobody. */
  async resolveMcpServerDefinition(definition: vscode.McpHttpServerDefinition): Promise<vscode.McpHttpServerDefinition | undefined> {
    const workspace = this.#workspace;
    if (workspace === undefined || !vscode.workspace.isTrusted)
      throw new SecretsError(workspace === undefined ? 'noFolder' : 'untrusted', {});
    // All together: each server is looked at by itself when it is used, and what is not approved is left out.
    if (definition.label !== MERGED_LABEL && !(await this.#approved(workspace, definition.label))) return undefined;
    const address = await workspace.proxy.start();
    definition.headers = { Authorization: `Bearer ${this.#tokenFor(address, workspace.agents)}` };
    return definition;
  }

  async #approved(workspace: Workspace, name: string): Promise<boolean> {
    const server = workspace.servers.get(name);
    if (workspace.approvals.isApproved(server)) return true;
    const denied = workspace.approvalDialog.wasDenied(server);
    // Whoever has said no is not asked again by every message in the chat, but told why nothing starts.
    if (denied) void workspace.messages.showError(new SecretsError('serverUnapproved', { server: server.name }));
    // VS Code may start a server while the user types in the chat.
    return !denied && workspace.approvalDialog.ask(server, { unasked: true });
  }

  /** The token of VS Code itself: a new one after a restart of the proxy, and after all tokens were revoked. */
  #tokenFor(address: ProxyAddress, agents: Agents): string {
    if (this.#token?.address !== address || !agents.isValid(this.#token.value))
      this.#token = { address, value: agents.issueTemporary(VSCODE_AGENT) };
    return this.#token.value;
  }
}

/** `unix:///path.sock#/mcp/name`, or `pipe:///pipe/…` on Windows: the forms that VS Code's MCP client knows. Without a server: all together. */
export function socketUri(socketPath: string, server?: string): vscode.Uri {
  const fragment = server === undefined ? '/mcp' : `/mcp/${server}`;
  const pipe = /^\\\\\.\\pipe\\(.+)$/.exec(socketPath)?.[1];
  return vscode.Uri.from(
    pipe === undefined ? { scheme: 'unix', path: socketPath, fragment } : { scheme: 'pipe', path: `/pipe/${pipe}`, fragment },
  );
}

/** Whether VS Code is offered all servers as one. */
function isMerged(): boolean {
  return vscode.workspace.getConfiguration('mcpSecrets').get('endpoint') === 'merged';
}

function mergedDefinition(workspace: Workspace, servers: readonly Server[]): vscode.McpHttpServerDefinition {
  const version = digestOf([callSettings.mergedTools(), ...servers.map((server) => versionOf(workspace, server))]).slice(0, 16);
  return new vscode.McpHttpServerDefinition(MERGED_LABEL, socketUri(workspace.socketPath), {}, version);
}

/** Another one when the tools may be others: VS Code then asks for them again. */
function versionOf({ pins }: Workspace, server: Server): string {
  const plan = planDigest(server).slice(0, 16);
  try {
    const { reviews } = pins.of(server);
    return reviews === 0 ? plan : `${plan}-${String(reviews)}`;
  } catch {
    return plan; // Whoever uses the server is told.
  }
}
