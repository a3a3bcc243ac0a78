import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Container } from '../../src/editor/container';
import type { Workspace } from '../../src/editor/workspace';
import { activated, reset, seen, writeServersFile } from './support';

describe('views', () => {
  let container: Container;
  let workspace: Workspace;

  before(async () => {
    ({ container, workspace } = await activated());
  });

  beforeEach(() => reset(workspace));
  after(() => reset(workspace));

  it('show secrets with version, age and servers, and those that are missing', async () => {
    await workspace.vaults.workspace.set('BOUND_KEY', Buffer.from('value one'), 'user');
    await workspace.vaults.workspace.set('BOUND_KEY', Buffer.from('value two'), 'user');
    await workspace.vaults.workspace.set('FREE_KEY', Buffer.from('value three'), 'user');
    writeServersFile(workspace, { servers: { web: { url: 'https://a.example', secrets: { BOUND_KEY: 'bearer', GONE_KEY: 'header' } } } });
    const view = container.secretsView;
    const items = (await view.getChildren()).map((node) => seen(view, node));
    assert.deepEqual(items, [
      { label: 'BOUND_KEY', description: 'v2 · just now · web', context: 'secret.stored' },
      { label: 'FREE_KEY', description: 'v1 · just now · not bound to a server', context: 'secret.stored' },
      { label: 'GONE_KEY', description: 'missing · bound to web', context: 'secret.missing' },
    ]);
  });

  it('show servers with type and state, their secrets, and what is wrong', async () => {
    await workspace.vaults.workspace.set('STORED_KEY', Buffer.from('value one'), 'user');
    const text = `{
  "servers": {
    "web": { "url": "https://a.example", "secrets": { "STORED_KEY": "bearer", "GONE_KEY": "header" } },
    "local": { "command": "node" },
    "broken": {
      "url": "https://b.example",
      "colour": "red"
    }
  }
}`;
    writeServersFile(workspace, text);
    await workspace.approvals.approve(workspace.servers.get('local'), 'user');
    const view = container.serversView;
    const nodes = await view.getChildren();
    assert.deepEqual(
      nodes.map((node) => seen(view, node)),
      [
        { label: 'broken', description: 'line 7: Unknown field "colour".', context: 'problem.server' },
        { label: 'web', description: 'http · needs approval · 2 secrets', context: 'server.unapproved' },
        { label: 'local', description: 'stdio · ready · 0 secrets', context: 'server.idle' },
      ],
    );
    const children = await view.getChildren(nodes[1]);
    assert.deepEqual(
      children.map((node) => seen(view, node)),
      [
        { label: 'STORED_KEY', description: 'as bearer token', context: 'binding.stored' },
        { label: 'GONE_KEY', description: 'missing · as header X-Mcp-Secret-GONE-KEY', context: 'binding.missing' },
      ],
    );
  });

  it('show one problem of a file that cannot be read at all', async () => {
    writeServersFile(workspace, '{\n  "servers": [\n}');
    const view = container.serversView;
    const items = (await view.getChildren()).map((node) => seen(view, node));
    assert.equal(items.length, 1);
    assert.ok(items[0]);
    assert.equal(items[0].label, 'mcp-secrets.json');
    assert.match(items[0].description, /^line 3: Syntax error/);
  });

  it('show a failed start with its reason', async () => {
    writeServersFile(workspace, { servers: { nowhere: { command: 'no-such-command-anywhere' } } });
    await workspace.approvals.approve(workspace.servers.get('nowhere'), 'user');
    await assert.rejects(workspace.proxy.startServer('nowhere'));
    const view = container.serversView;
    const [node] = await view.getChildren();
    assert.ok(node);
    assert.deepEqual(seen(view, node), { label: 'nowhere', description: 'stdio · failed · 0 secrets', context: 'server.failed' });
    assert.match(JSON.stringify(view.getTreeItem(node).tooltip), /was not found/);
  });

  it('show activity, newest first, without handshakes that went well', async () => {
    const { audit } = workspace;
    audit.record({
      actor: 'agent',
      action: 'call',
      agent: 'Claude Code',
      server: 'web',
      tool: 'search',
      secrets: ['A_KEY'],
      outcome: 'ok',
      durationMs: 12,
    });
    audit.record({
      actor: 'agent',
      action: 'request',
      agent: 'Claude Code',
      server: 'web',
      method: 'tools/list',
      outcome: 'ok',
      durationMs: 3,
    });
    audit.record({
      actor: 'agent',
      action: 'request',
      agent: 'Cursor',
      server: 'web',
      method: 'initialize',
      outcome: 'refused',
      errorKind: 'serverUnapproved',
    });
    const view = container.activityView;
    const items = (await view.getChildren()).slice(0, 2).map((node) => seen(view, node));
    assert.deepEqual(items, [
      { label: 'initialize', description: 'web · Cursor · serverUnapproved · just now', context: 'activity.refused' },
      { label: 'search', description: 'web · Claude Code · 12 ms · A_KEY · just now', context: 'activity.ok' },
    ]);
  });

  it('never show a value, and are readable aloud', async () => {
    await workspace.vaults.workspace.set('CANARY_KEY', Buffer.from('canary-in-the-view'), 'user');
    const view = container.secretsView;
    for (const node of await view.getChildren()) {
      const item = view.getTreeItem(node);
      assert.doesNotMatch(JSON.stringify(item), /canary-in-the-view/);
      assert.match(item.accessibilityInformation?.label ?? '', /^Secret CANARY_KEY, v1, just now/);
      assert.ok(item.iconPath instanceof vscode.ThemeIcon);
    }
  });
});
