import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import assert from 'node:assert/strict';
import type { Workbench } from '../host/workbench';
import { addSecret, approve, ask, deleteSecret, giveValue, rowAction, titled } from './support/actions';
import { browserStorage } from './support/browserStorage';
import { searchFiles, tokenCanary } from './support/canary';
import type { HttpUpstream } from './support/httpUpstream';
import { startHttpUpstream } from './support/httpUpstream';
import { credentialProof, issueTracker } from './support/issueTracker';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { described } from './support/views';

const missing =
  'The secret GITHUB_TOKEN, bound to server "github", does not exist. Add it with "MCP Secrets: Add Secret" or "mcp-secrets secret set GITHUB_TOKEN".';

describe('calls that are refused', () => {
  const session = new Session();
  const canary = tokenCanary('ghp_');
  const client = new Client({ name: 'reviewer', version: '1.0.0' });
  let workbench: Workbench;
  let upstream: HttpUpstream;
  let access = { url: '', headers: {} as Record<string, string> };
  let token = '';

  before(async function () {
    this.timeout(600_000);
    upstream = await startHttpUpstream(() =>
      issueTracker('github', 'list_issues', (headers) => {
        const value = (headers as Record<string, unknown> | undefined)?.authorization;
        return typeof value === 'string' ? value.replace(/^Bearer /, '') : undefined;
      }),
    );
    await session.start({}, (workspace) => writeServersFile(workspace, serversFile()));
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    await workbench.chat.open();
  });

  after(async () => {
    await client.close();
    await session.dispose();
    await upstream.close();
  });

  inSteps((name) => workbench.screenshot(name));

  function serversFile(headers?: Record<string, string>): object {
    return { servers: { github: { type: 'http', url: upstream.url, ...(headers && { headers }), secrets: { GITHUB_TOKEN: 'bearer' } } } };
  }

  async function connect(who: Client): Promise<void> {
    await who.connect(new StreamableHTTPClientTransport(new URL(access.url), { requestInit: { headers: access.headers } }));
  }

  const turn = (words: string): { tool: string; input: object; words: string } => ({ tool: 'list_issues', input: { query: 'x' }, words });

  it('asks before a server of the file is used by the agent; Enter, meant for the chat, contacts nothing', async () => {
    await described(workbench, 'Servers', 'github', /^http · needs approval · 1 secret$/);
    session.agent.next(turn('I have no such tool.'));
    await workbench.chat.send('Which issues are open?');
    const plan = await workbench.dialogText();
    await workbench.screenshot('refused-1-unapproved');
    assert.ok(plan.includes('Approve server "github"?'), plan);
    assert.ok(plan.includes(`Connects to: ${upstream.url}`), plan);
    assert.ok(plan.includes('Secret: GITHUB_TOKEN as bearer token'), plan);
    assert.deepEqual((await workbench.dialogButtons()).sort(), ['Approve', 'Cancel', "Don't Approve"]);
    await workbench.page.keyboard.press('Enter');
    await workbench.chat.transcript('I have no such tool.');
    assert.ok(!session.agent.hasCalled, 'the tool was offered to the model');
    assert.deepEqual(upstream.received, []);
    await described(workbench, 'Servers', 'github', /^http · needs approval · 1 secret$/);
  });

  it('says which secret is missing when an approved server is started; nothing goes out', async () => {
    await workbench.runCommand('MCP Secrets: Approve Server');
    await titled(workbench, 'Approve Server');
    await workbench.quickInput.pick('github');
    await workbench.dialogButton('Approve');
    await described(workbench, 'Servers', 'github', /^http · ready · 1 secret$/);
    await rowAction(workbench, ['Servers', 'github', 'Start Server'], async () =>
      (await workbench.notifications()).some((text) => text.includes(missing)),
    );
    await workbench.notifications(missing);
    await workbench.screenshot('refused-2-missing');
    assert.deepEqual(upstream.received, []);
    await workbench.notificationButton(missing, 'Add Secret');
    await giveValue(workbench, 'Add Secret GITHUB_TOKEN', canary);
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v1 /);
  });

  it('lets the agent in once the secret is there', async () => {
    await workbench.clearNotifications(); // They would cover the chat.
    const result = await ask(session, 'Try again.', turn('One is open.'));
    assert.ok(result.includes(credentialProof(canary)), 'the upstream did not receive the secret');
  });

  it('tells the agent which secret is missing when it is gone again; nothing goes out', async () => {
    await deleteSecret(workbench, 'GITHUB_TOKEN');
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^missing · bound to github$/);
    const before = upstream.received.length;
    const result = await ask(session, 'And now?', turn('The secret is missing.'), false);
    await workbench.screenshot('refused-3-deleted');
    assert.ok(result.includes(missing), result);
    assert.equal(upstream.received.length, before);
    await described(workbench, 'Activity', 'list_issues', /^github · VS Code · .*secretMissing/);
  });

  it('gives an agent outside VS Code access of its own', async () => {
    await addSecret(workbench, 'GITHUB_TOKEN', canary);
    await workbench.runCommand('MCP Secrets: Copy MCP Configuration');
    await titled(workbench, 'Copy MCP Configuration');
    await workbench.quickInput.pick('Other agent');
    await workbench.quickInput.message('The name of the agent');
    await workbench.quickInput.text('Reviewer');
    await workbench.notifications('1 server for Reviewer copied.');
    const text = String(await workbench.page.evaluate('navigator.clipboard.readText()'));
    const copied = JSON.parse(text) as { mcpServers: { github: { url: string; headers: Record<string, string> } } };
    access = copied.mcpServers.github;
    token = (access.headers.Authorization ?? '').replace('Bearer ', '');
    assert.match(token, /^[\w-]{43}$/);

    await connect(client);
    const result = JSON.stringify(await client.callTool({ name: 'list_issues', arguments: { query: 'x' } }));
    assert.ok(result.includes(credentialProof(canary)), 'the upstream did not receive the secret');
    await described(workbench, 'Activity', 'list_issues', /^github · Reviewer · .*GITHUB_TOKEN/);
  });

  it('asks again when the plan has changed; Cancel refuses the call and contacts nothing', async () => {
    await workbench.clearNotifications();
    await writeServersFile(session.workspace, serversFile({ 'X-Team': 'blue' }));
    await described(workbench, 'Servers', 'github', /^http · needs approval · 1 secret$/);
    const before = upstream.received.length;
    await assert.rejects(client.callTool({ name: 'list_issues', arguments: { query: 'x' } }), /session has ended/);
    const again = new Client({ name: 'reviewer', version: '1.0.0' });
    const connecting = connect(again).then(
      () => 'it was let through',
      (error: unknown) => String(error),
    );
    const question = 'An agent wants to use server "github", which is not approved in this workspace, or has changed since.';
    await workbench.notifications(question);
    await workbench.screenshot('refused-4-review');
    await workbench.notificationButton(question, 'Review');
    const plan = await workbench.dialogText();
    await workbench.screenshot('refused-5-changed');
    assert.ok(plan.includes('Header: X-Team: blue'), plan);
    await workbench.dialogButton('Cancel');
    assert.match(
      await connecting,
      /Server "github" is not approved in this workspace, or its plan has changed\. Nothing was started or contacted\./,
    );
    assert.ok(
      upstream.received.slice(before).every(({ headers, method }) => headers['x-team'] === undefined && method !== 'tools/call'),
      'the changed plan was carried out',
    );
    await described(workbench, 'Servers', 'github', /^http · needs approval · 1 secret$/);
  });

  it('carries out the changed plan once it is approved in the tree', async () => {
    await approve(workbench, 'github');
    await described(workbench, 'Servers', 'github', /^http · (?:ready|running) · 1 secret$/);
    const again = new Client({ name: 'reviewer', version: '1.0.0' });
    await connect(again);
    await again.callTool({ name: 'list_issues', arguments: { query: 'x' } });
    assert.equal(upstream.received.findLast(({ method }) => method === 'tools/call')?.headers['x-team'], 'blue');
    await again.close();
    const before = upstream.received.length;
    await workbench.clearNotifications();
    const result = await ask(session, 'And in VS Code?', turn('It works again.'), false);
    assert.ok(result.includes(credentialProof(canary)), result);
    const call = upstream.received.slice(before).find(({ method }) => method === 'tools/call');
    assert.equal(call?.headers['x-team'], 'blue');
  });

  it('keeps neither the agent’s token nor the value anywhere', async () => {
    const entries = await browserStorage(workbench.page);
    assert.ok(
      entries.some(({ text }) => text.includes('/mcp/github')),
      'what VS Code keeps about the servers was not among what was read',
    );
    const bad = entries.filter(({ text }) => text.includes(token) || text.includes(canary));
    assert.deepEqual(
      bad.map(({ where }) => where),
      [],
    );
    await session.window.stop();
    for (const folder of [session.window.root, session.workspace]) {
      assert.deepEqual(await searchFiles(folder, { values: [token, canary] }), []);
    }
  });
});
