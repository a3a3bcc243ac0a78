import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Container } from '../../src/editor/container';
import type { AgentsViewNode } from '../../src/editor/views/agentItems';
import type { Workspace } from '../../src/editor/workspace';
import { hashOf, tokenId } from '../../src/proxy/front/agents';
import { activated, reset, seen, writeServersFile } from './support';

describe('the view Agents', () => {
  let container: Container;
  let workspace: Workspace;

  beforeEach(async () => {
    ({ container, workspace } = await activated());
    await reset(workspace);
    await revokeAll();
  });

  afterEach(revokeAll);

  async function revokeAll(): Promise<void> {
    const { agents } = workspace;
    await agents.revokeAll('user');
    for (const { agent } of agents.list()) await agents.allow(agent, 'all', 'user');
  }

  function rows(node?: AgentsViewNode): { label: string; description: string; context: string }[] {
    const view = container.agentsView;
    return view.getChildren(node).map((child) => seen(view, child));
  }

  it('shows agents with their servers, their tokens with their dates, and what they say of themselves as a claim', async () => {
    const { agents } = workspace;
    const day = 86_400_000;
    const lasting = await agents.issue('Claude Code', 'user');
    const brief = await agents.issue('Cursor', 'user', { expiresAt: Date.now() + 30 * day, servers: ['web', 'docs'] });
    const over = await agents.issue('Old', 'user', { expiresAt: Date.now() - day });
    agents.issueTemporary('VS Code');
    agents.admit(hashOf(lasting));
    agents.claimed('Claude Code', 'claude-code\u202e 1.2');
    assert.deepEqual(rows(), [
      { label: 'Claude Code', description: '1 token · all servers · used just now', context: 'agent.known' },
      { label: 'Cursor', description: '1 token · only docs, web · not used yet', context: 'agent.known' },
      { label: 'Old', description: 'no access · all servers · not used yet', context: 'agent.known' },
      { label: 'VS Code', description: '1 token · all servers · not used yet', context: 'agent.own' },
    ]);
    const view = container.agentsView;
    const nodes = view.getChildren();
    const tokens = nodes.slice(0, 3).map((node) => rows(node));
    assert.deepEqual(tokens.flat(), [
      { label: tokenId(lasting), description: 'issued just now · used just now', context: 'token.lasting' },
      { label: tokenId(brief), description: 'expires in 1 month · issued just now · not used yet', context: 'token.lasting' },
      { label: tokenId(over), description: 'expired 1 day ago · issued just now · not used yet', context: 'token.lasting' },
    ]);
    assert.deepEqual(
      rows(nodes[3]).map(({ description, context }) => [description, context]),
      [['ends with this window · issued just now · not used yet', 'token.temporary']],
    );
    const [first] = nodes;
    assert.ok(first);
    assert.match(JSON.stringify(view.getTreeItem(first).tooltip), /Calls itself \\"claude-code\\\\u202e 1.2\\" \(a claim, not checked\)/);
    for (const node of [...nodes, ...nodes.flatMap((parent) => view.getChildren(parent))]) {
      const item = view.getTreeItem(node);
      for (const token of [lasting, brief, over]) assert.ok(!JSON.stringify(item).includes(token));
      assert.match(item.accessibilityInformation?.label ?? '', /^(?:Agent|Token) /);
    }
  });

  it('follows what is revoked, here and with another token left', async () => {
    const { agents } = workspace;
    const [one, two] = [await agents.issue('Cursor', 'user'), await agents.issue('Cursor', 'user')];
    await agents.revoke('Cursor', 'user', tokenId(one));
    const [node] = container.agentsView.getChildren();
    assert.deepEqual(
      rows(node).map(({ label }) => label),
      [tokenId(two)],
    );
    await agents.revoke('Cursor', 'user');
    assert.deepEqual(rows(), []);
  });

  it('keeps an agent in sight that is limited and has no token', async () => {
    await workspace.agents.issue('Cursor', 'user', { servers: [] });
    await workspace.agents.revoke('Cursor', 'user');
    assert.deepEqual(rows(), [{ label: 'Cursor', description: 'no access · no server · not used yet', context: 'agent.former' }]);
  });

  it('can be shown, and its commands run from it', async () => {
    writeServersFile(workspace, { servers: { web: { url: 'https://a.example' } } });
    await workspace.agents.issue('Cursor', 'user');
    await vscode.commands.executeCommand('mcpSecrets.agents.focus');
    const view = container.agentsView;
    const [agent] = view.getChildren();
    assert.ok(agent);
    const { contributes } = container.context.extension.packageJSON as {
      contributes: { menus: Record<string, { command: string; when: string }[]> };
    };
    const inline = (context: string): string[] =>
      (contributes.menus['view/item/context'] ?? [])
        .filter(({ when }) => when.startsWith('view == mcpSecrets.agents'))
        .filter(({ when }) =>
          when.includes('==', 24) ? when.endsWith(`== ${context}`) : new RegExp(/\/(.*)\/$/.exec(when)?.[1] ?? '(?!)').test(context),
        )
        .map(({ command }) => command);
    assert.ok(inline('agent.known').includes('mcpSecrets.revokeAgent') && inline('agent.known').includes('mcpSecrets.chooseAgentServers'));
    assert.ok(!inline('agent.own').includes('mcpSecrets.revokeAgent') && inline('agent.own').includes('mcpSecrets.chooseAgentServers'));
    assert.ok(inline('token.lasting').includes('mcpSecrets.revokeToken') && inline('token.temporary').length === 0);
  });
});
