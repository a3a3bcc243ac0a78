import * as assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { AuditEntry } from '../../src/audit/entry';
import { NO_FILTER } from '../../src/editor/activityFilter';
import type { Container } from '../../src/editor/container';
import type { ActivityNode } from '../../src/editor/views/activityItems';
import type { Workspace } from '../../src/editor/workspace';
import { verifyTrail } from '../../src/audit/verify';
import { activated, eventually, reset, seen } from './support';

const call: Omit<AuditEntry, 'time'> = {
  actor: 'agent',
  action: 'call',
  agent: 'Claude Code',
  server: 'github',
  tool: 'create_issue',
  requestId: '17',
  scope: 'github-work',
  secrets: ['GITHUB_TOKEN', 'SIGNING_KEY'],
  versions: { GITHUB_TOKEN: 3 },
  outcome: 'error',
  errorKind: 'upstreamTimeout',
  durationMs: 1_234,
};

describe('the view Activity', () => {
  let container: Container;
  let workspace: Workspace;

  before(async () => {
    ({ container, workspace } = await activated());
    await reset(workspace);
  });

  afterEach(() => {
    container.activityView.show(NO_FILTER);
  });
  after(() => reset(workspace));

  const items = async (node?: ActivityNode): Promise<ReturnType<typeof seen>[]> =>
    (await container.activityView.getChildren(node)).map((one) => seen(container.activityView, one));

  it('shows all that is known of an entry below it, versions included', async () => {
    workspace.audit.record(call);
    const [node] = await container.activityView.getChildren();
    assert.ok(node);
    assert.deepEqual(seen(container.activityView, node), {
      label: 'create_issue',
      description: 'github · Claude Code · 1.2 s · github-work/GITHUB_TOKEN, github-work/SIGNING_KEY · upstreamTimeout · just now',
      context: 'activity.error',
    });
    const details = (await items(node)).map(({ label, description }) => `${label}: ${description}`);
    assert.match(details.shift() ?? '', /^Time: /);
    assert.deepEqual(
      details.filter((line) => !line.startsWith('Entry: ')),
      [
        'By: an agent',
        'Agent: Claude Code',
        'Server: github',
        'Tool: create_issue',
        'Scope: github-work',
        'Secrets: GITHUB_TOKEN v3, SIGNING_KEY',
        'Outcome: failed',
        'Reason: upstreamTimeout',
        'Took: 1.2 s',
        'Request: 17',
      ],
    );
  });

  it('has words for everything that is recorded, and shows what it does not know by its name', async () => {
    workspace.audit.record({ actor: 'product', action: 'alert', rule: 'newAgent', agent: 'Somebody', outcome: 'ok' });
    workspace.audit.record({ actor: 'agent', action: 'agent.refuse', errorKind: 'tokenWrong', count: 3, outcome: 'refused' });
    workspace.audit.record({ actor: 'user', action: 'future.thing' as 'alert', outcome: 'ok' });
    assert.deepEqual(
      (await items()).slice(0, 3).map(({ label, description }) => [label, description]),
      [
        ['future.thing', 'just now'],
        ['Agent without valid token refused', 'tokenWrong · 3 times · just now'],
        ['Alert: new agent', 'Somebody · just now'],
      ],
    );
  });

  it('hides nothing that an agent puts into a name', async () => {
    workspace.audit.record({ ...call, tool: 'safe\u202Etxt', agent: 'a\nb' });
    const [first] = await items();
    assert.equal(first?.label, 'safe\\u202etxt');
    assert.match(first.description, /a\\u000ab/);
  });

  it('shows what fits a filter, and everything when it is cleared', async () => {
    workspace.audit.record({ ...call, server: 'only-here' });
    workspace.audit.record({ ...call, server: 'elsewhere' });
    container.activityView.show({ ...NO_FILTER, servers: ['only-here'] });
    assert.equal((await items()).length, 1);
    await vscode.commands.executeCommand('mcpSecrets.clearActivityFilter');
    assert.match((await items())[0]?.description ?? '', /^elsewhere · /);
  });

  it('offers older entries after a page, and shows them', async () => {
    for (let i = 0; i < 230; i++) workspace.audit.record({ ...call, server: 'many', requestId: String(i) });
    container.activityView.show({ ...NO_FILTER, servers: ['many'] });
    const first = await items();
    assert.deepEqual([first.length, first.at(-1)?.label], [201, 'Show older entries…']);
    await vscode.commands.executeCommand('mcpSecrets.showOlderActivity');
    assert.equal((await items()).length, 230);
  });

  it('shows the place in the file that is wrong', async () => {
    await workspace.audit.flush();
    const { path } = workspace.audit;
    const text = readFileSync(path, 'utf8');
    const lines = text.split('\n');
    const edited = lines.findIndex((line) => line.includes('only-here'));
    const seq = (JSON.parse(lines[edited] ?? '{}') as { seq: number }).seq;
    writeFileSync(path, text.replace('only-here', 'elsewhere'));
    try {
      const { problem } = await verifyTrail(path, workspace.vaults.auditKeys());
      assert.deepEqual(problem, { kind: 'edited', seq, file: 'audit.jsonl' });
      await vscode.commands.executeCommand('mcpSecrets.showAuditFile', problem);
      const editor = vscode.window.activeTextEditor;
      assert.equal(editor?.document.uri.fsPath, path);
      assert.equal(editor.selection.active.line, edited);
    } finally {
      writeFileSync(path, text);
    }
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await eventually('the trail is in order again', async () =>
      (await verifyTrail(path, workspace.vaults.auditKeys())).ok ? true : undefined,
    );
  });
});
