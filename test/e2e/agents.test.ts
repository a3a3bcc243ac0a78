import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { eventually } from '../host/eventually';
import type { TreeRow } from '../host/treeViews';
import type { Workbench } from '../host/workbench';
import { approve, dialogOf, rowAction, titled } from './support/actions';
import { forgetState } from './support/browserState';
import type { HttpUpstream } from './support/httpUpstream';
import { startHttpUpstream } from './support/httpUpstream';
import { issueTracker } from './support/issueTracker';
import { pictures } from './support/pictures';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { described, rowOf, welcomes } from './support/views';

describe('agents outside VS Code', () => {
  const session = new Session();
  let client = new Client({ name: 'build-bot', version: '7.1' });
  let workbench: Workbench;
  let upstream: HttpUpstream;
  let endpoints: Record<string, { url: string; headers: Record<string, string> }> = {};

  before(async function () {
    this.timeout(600_000);
    upstream = await startHttpUpstream(() => issueTracker('github', 'list_issues', () => 'none'));
    await session.start({}, (workspace) =>
      writeServersFile(workspace, { servers: { github: { url: upstream.url }, docs: { url: upstream.url } } }),
    );
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    for (const server of ['github', 'docs']) {
      await approve(workbench, server);
      await described(workbench, 'Servers', server, /^http · ready/);
    }
  });

  after(async () => {
    await client.close().catch(() => undefined);
    await session.dispose();
    await upstream.close();
  });

  inSteps((name) => workbench.screenshot(name));

  const transport = (server: string): StreamableHTTPClientTransport => {
    const { url = '', headers = {} } = endpoints[server] ?? {};
    return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  };

  /** The row of the one token. */
  const tokenRow = (): Promise<TreeRow> =>
    eventually('a token is shown', async () => (await workbench.views.rows('Agents')).find(({ level }) => level === 2));

  it('are none at first, and the view says how to add one', async () => {
    await workbench.views.rows('Agents');
    await welcomes(workbench, 'Agents', /No agent outside VS Code has access yet[\s\S]*Add Agent/);
  });

  it('are added with the servers they may use and for a time; the configuration is on the clipboard', async () => {
    const { quickInput, views } = workbench;
    await views.viewAction('Agents', 'Add Agent');
    await titled(workbench, 'Add Agent');
    await quickInput.pick('Other agent');
    await quickInput.message('The name of the agent');
    await quickInput.type('VS Code');
    await quickInput.message('cannot be the name of an agent');
    await quickInput.text('Build bot');
    await quickInput.pick('Only certain servers…');
    await quickInput.pickMany(['github']);
    await quickInput.pick('For 90 days');
    await workbench.notifications('1 server for Build bot copied.');
    const copied = JSON.parse(String(await workbench.page.evaluate('navigator.clipboard.readText()'))) as { mcpServers: typeof endpoints };
    endpoints = copied.mcpServers;
    assert.deepEqual(Object.keys(endpoints), ['github']);
    await described(workbench, 'Agents', 'Build bot', /^1 token · only github · not used yet$/);
  });

  it('are shown with their last use, and their claim', async () => {
    await client.connect(transport('github'));
    await client.callTool({ name: 'list_issues', arguments: { query: 'x' } });
    await described(workbench, 'Agents', 'Build bot', /^1 token · only github · used just now$/);
    await workbench.views.expand('Agents', 'Build bot');
    const token = await tokenRow();
    assert.match(token.label, /^[0-9a-f]{8}$/);
    assert.match(token.description, /^expires in 3 months · issued .* · used just now$/);
    await workbench.clearNotifications();
    await pictures(workbench, 'agents-view');
  });

  it('are refused at other servers until those are chosen for them', async () => {
    const { url = '', headers = {} } = endpoints.github ?? {};
    endpoints.docs = { url: url.replace('/mcp/github', '/mcp/docs'), headers };
    const other = new Client({ name: 'build-bot', version: '7.1' });
    await assert.rejects(other.connect(transport('docs')), /The agent "Build bot" may not use server "docs"/);
    // Who is asked which agent is meant sees the same title.
    const allServers = workbench.page.locator('.quick-input-widget .monaco-list-row').filter({ hasText: 'All servers' });
    await rowAction(workbench, ['Agents', 'Build bot', "Choose Agent's Servers"], allServers);
    await titled(workbench, "Choose Agent's Servers");
    await workbench.quickInput.pick('All servers');
    await described(workbench, 'Agents', 'Build bot', /^1 token · all servers/);
    const again = new Client({ name: 'build-bot', version: '7.1' });
    await again.connect(transport('docs'));
    await again.close();
  });

  it('keep their address through a restart, though the workspace state was not written and another program had the port for a while', async () => {
    await client.close();
    const other = createServer((socket) => socket.destroy());
    await session.window.whileClosed(async () => {
      await forgetState(workbench.page);
      // A connection that has just ended can still have this port for a moment.
      await eventually('the port is free', async () => {
        other.listen(Number(new URL(endpoints.github?.url ?? '').port), '127.0.0.1');
        await once(other, 'listening');
        return true;
      });
    });
    await workbench.views.open('MCP Secrets');
    await described(workbench, 'Agents', 'Build bot', /^1 token · all servers/);
    other.close();
    client = await eventually('the proxy is back', async () => {
      const again = new Client({ name: 'build-bot', version: '7.1' });
      await again.connect(transport('github'));
      return again;
    });
    await client.callTool({ name: 'list_issues', arguments: { query: 'x' } });
    await workbench.views.expand('Agents', 'Build bot');
  });

  it('lose access in the tree, after a question that Cancel answers with no', async () => {
    const { label } = await tokenRow();
    await rowAction(workbench, ['Agents', label, "Revoke Agent's Token"], dialogOf(workbench));
    assert.match(await workbench.dialogText(), new RegExp(`Revoke the token ${label} of Build bot\\?`));
    await workbench.dialogButton('Cancel');
    await client.callTool({ name: 'list_issues', arguments: { query: 'x' } });
    await rowAction(workbench, ['Agents', label, "Revoke Agent's Token"], dialogOf(workbench));
    await workbench.screenshot('agents-revoke');
    await workbench.dialogButton('Revoke');
    await workbench.views.waitForNoRow('Agents', 'Build bot');
    await assert.rejects(client.callTool({ name: 'list_issues', arguments: { query: 'x' } }));
    assert.ok((await rowOf(workbench, 'Activity', "Agent's access ended")).description.includes('Build bot'));
  });
});
