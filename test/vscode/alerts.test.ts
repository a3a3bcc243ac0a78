import * as assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as vscode from 'vscode';
import { AlertWatch } from '../../src/editor/alerts';
import type { Workspace } from '../../src/editor/workspace';
import { activated, eventually, reset, writeServersFile } from './support';

const DAY_MS = 86_400_000;

describe('alerts', () => {
  let workspace: Workspace;
  let watch: AlertWatch;
  let shown: string[][];
  let agents = 0;

  before(async () => {
    ({ workspace } = await activated());
  });

  beforeEach(async () => {
    await reset(workspace);
    shown = [];
    watch = new AlertWatch(workspace, (...words) => {
      shown.push(words);
      return Promise.resolve(undefined);
    });
  });

  afterEach(() => {
    watch.dispose();
  });
  after(() => reset(workspace));

  const newAgent = (): string => {
    agents += 1;
    return `Agent ${String(agents)} of ${String(Date.now())}`;
  };
  const call = (agent: string, rest: object = {}): void => {
    workspace.audit.record({ actor: 'agent', action: 'call', agent, server: 'web', tool: 't', outcome: 'ok', ...rest });
  };
  const about = (text: string): string[][] => shown.filter(([, message]) => message?.includes(text) === true);
  const alerted = (text: string): Promise<string[]> => eventually(`an alert about ${text}`, () => about(text)[0]);

  it('tell of a new agent once, with a way to revoke its access, and are in the trail', async () => {
    const agent = newAgent();
    call(agent);
    const [severity, , ...actions] = await alerted(agent);
    assert.deepEqual([severity, actions], ['info', ['Show Activity', 'Revoke Access']]);
    call(agent);
    const other = newAgent();
    call(other);
    await alerted(other);
    assert.equal(about(agent).length, 1);
    const entry = workspace.audit.recent().find((one) => one.action === 'alert' && one.agent === agent);
    assert.deepEqual([entry?.actor, entry?.rule, entry?.server], ['product', 'newAgent', 'web']);
  });

  it('do not introduce VS Code itself', async () => {
    call('VS Code');
    const other = newAgent();
    call(other);
    await alerted(other);
    assert.deepEqual(about('"VS Code" made its first call'), []);
  });

  it('tell of a call that was refused, and of many refused tokens, which can lock the vault', async () => {
    const agent = newAgent();
    call(agent, { outcome: 'refused', errorKind: 'serverUnapproved' });
    await alerted(`by the agent "${agent}" to server "web" was refused (serverUnapproved)`);
    workspace.audit.record({ actor: 'agent', action: 'agent.refuse', outcome: 'refused', errorKind: 'tokenWrong', count: 9 });
    const [severity, , ...actions] = await alerted('9 requests without a valid token');
    assert.deepEqual([severity, actions], ['warning', ['Show Activity', 'Lock Vault']]);
  });

  it('tell of an expired secret that a call uses, by the scope of its server', async () => {
    const upstream = createServer((_, response) => response.setHeader('content-type', 'application/json').end('{"ok":true}'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const server = `deploy-${String(Date.now())}`;
    try {
      await workspace.vaults.workspace.set('OLD_KEY', Buffer.from('canary-of-alerts'), 'user', 'work', { expiresAt: Date.now() - DAY_MS });
      const url = `http://127.0.0.1:${String((upstream.address() as AddressInfo).port)}/`;
      const tools = [{ name: 'deploy', description: 'Deploys', inputSchema: { type: 'object' } }];
      writeServersFile(workspace, {
        servers: { [server]: { type: 'function', url, scope: 'work', secrets: { OLD_KEY: 'bearer' }, tools } },
      });
      await workspace.approvals.approve(workspace.servers.get(server), 'user');
      await callTool(workspace, server, 'deploy');
      const [severity, message, ...actions] = await alerted('OLD_KEY has expired');
      assert.deepEqual([severity, actions], ['warning', ['Replace…', 'Show Activity']]);
      assert.ok(message?.includes(server));
      assert.ok(!JSON.stringify(shown).includes('canary'));
    } finally {
      upstream.close();
      await workspace.proxy.stopServer(server);
    }
  });

  it('can be turned off one by one, by the user and not by a workspace', async () => {
    const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('mcpSecrets');
    await assert.rejects(Promise.resolve(settings().update('alerts', { newAgent: false }, vscode.ConfigurationTarget.Workspace)));
    await settings().update('alerts', { newAgent: false }, vscode.ConfigurationTarget.Global);
    try {
      const agent = newAgent();
      call(agent, { outcome: 'refused', errorKind: 'serverUnapproved' });
      await alerted(`"${agent}" to server`);
      assert.deepEqual(about(`"${agent}" made its first call`), []);
    } finally {
      await settings().update('alerts', undefined, vscode.ConfigurationTarget.Global);
    }
  });
});

/** A call as an agent makes it, by the socket that VS Code uses. */
async function callTool({ proxy, agents }: Workspace, server: string, name: string): Promise<void> {
  const { url } = await proxy.start();
  const token = agents.issueTemporary('VS Code');
  let session: string | undefined;
  const send = async (message: object): Promise<void> => {
    const response = await fetch(`${url}/mcp/${server}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session === undefined ? {} : { 'mcp-session-id': session }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
    session ??= response.headers.get('mcp-session-id') ?? undefined;
    assert.ok(response.ok, `${String(response.status)}: ${await response.text()}`);
    await response.text().catch(() => '');
  };
  const clientInfo = { name: 'test', version: '1' };
  await send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } });
  await send({ method: 'notifications/initialized' });
  await send({ id: 2, method: 'tools/call', params: { name, arguments: {} } });
}
