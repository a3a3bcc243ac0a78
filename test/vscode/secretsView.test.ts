import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Container } from '../../src/editor/container';
import { secretUri } from '../../src/editor/decorations';
import type { SecretsViewNode } from '../../src/editor/views/secretNodes';
import type { SecretsView } from '../../src/editor/views/secretsView';
import type { Workspace } from '../../src/editor/workspace';
import type { Schedule } from '../../src/vault/edits';
import { activated, eventually, reset, seen, writeServersFile } from './support';

const DAY_MS = 86_400_000;

describe('the view Secrets', () => {
  let workspace: Workspace;
  let container: Container;
  let view: SecretsView;

  before(async () => {
    ({ container, workspace } = await activated());
    view = container.secretsView;
  });

  // After thousands of secrets this takes a while on a busy machine.
  beforeEach(async function () {
    this.timeout(240_000);
    await reset(workspace);
  });
  after(() => reset(workspace));

  const set = (name: string, scope?: string, schedule?: Schedule): Promise<unknown> =>
    workspace.vaults.of(scope ?? 'workspace').set(name, Buffer.from(`value of ${name}`), 'user', scope, schedule);

  const top = async (): Promise<ReturnType<typeof seen>[]> => (await view.getChildren()).map((node) => seen(view, node));

  async function child(label: string, of?: SecretsViewNode): Promise<SecretsViewNode> {
    const node = (await view.getChildren(of)).find((one) => seen(view, one).label === label);
    assert.ok(node, label);
    return node;
  }

  /** A secret whose value was set some days ago. */
  async function aged(name: string, days: number, schedule: { expiresAt?: number; rotateEveryMs?: number }): Promise<void> {
    const createdAt = Date.now() - days * DAY_MS;
    const { expiresAt, rotateEveryMs } = schedule;
    const version = { version: 1, createdAt, value: Buffer.from('an old value'), ...(expiresAt === undefined ? {} : { expiresAt }) };
    const rotation = rotateEveryMs === undefined ? {} : { rotateEveryMs };
    await workspace.vaults.restore([{ scope: 'workspace', name, createdAt, ...rotation, versions: [version] }], 'user');
  }

  it('groups secrets by scope as soon as there is another one than the default', async () => {
    await set('A_KEY');
    assert.deepEqual(
      (await top()).map(({ label }) => label),
      ['A_KEY'],
    );

    await set('A_KEY', 'github-work');
    await set('B_KEY', 'github-work');
    await set('C_KEY', 'user');
    writeServersFile(workspace, {
      servers: {
        web: { url: 'https://a.example', scope: 'github-work', secrets: { B_KEY: 'bearer' } },
        api: { url: 'https://b.example', secrets: { A_KEY: 'bearer' } },
        far: { url: 'https://c.example', scope: 'elsewhere', secrets: { D_KEY: 'bearer' } },
      },
    });
    assert.deepEqual(await top(), [
      { label: 'workspace', description: '1 secret · used by api', context: 'scope.stored' },
      { label: 'elsewhere', description: '0 secrets · used by far', context: 'scope.empty' },
      { label: 'github-work', description: '2 secrets · used by web', context: 'scope.stored' },
      { label: 'user (all workspaces)', description: '1 secret · not used by a server', context: 'scope.stored' },
    ]);
    const inScope = async (scope: string): Promise<unknown> => (await view.getChildren(await child(scope))).map((node) => seen(view, node));
    // The server api receives A_KEY of its own scope only.
    assert.deepEqual(await inScope('github-work'), [
      { label: 'A_KEY', description: 'v1 · just now · not bound to a server', context: 'secret.stored' },
      { label: 'B_KEY', description: 'v1 · just now · web', context: 'secret.stored' },
    ]);
    assert.deepEqual(await inScope('elsewhere'), [{ label: 'D_KEY', description: 'missing · bound to far', context: 'secret.missing' }]);
  });

  it('shows the versions of a secret, newest first', async () => {
    await set('A_KEY');
    await set('A_KEY', 'workspace', { expiresAt: Date.now() + 90 * DAY_MS });
    const versions = await view.getChildren(await child('A_KEY'));
    assert.deepEqual(
      versions.map((node) => seen(view, node)),
      [
        { label: 'v2', description: 'current · set just now · expires in 3 months', context: 'version.current' },
        { label: 'v1', description: 'set just now', context: 'version.old' },
      ],
    );
    const [newest] = versions;
    assert.ok(newest);
    assert.match(view.getTreeItem(newest).accessibilityInformation?.label ?? '', /^Version 2 of A_KEY, current, set just now, expires/);
  });

  it('says in words, icon, colour and badge how a secret stands', async () => {
    const now = Date.now();
    await aged('DUE_KEY', 45, { rotateEveryMs: 30 * DAY_MS });
    await aged('EXPIRED_KEY', 45, { expiresAt: now - 2 * DAY_MS });
    await set('EXPIRING_KEY', 'workspace', { expiresAt: now + 3 * DAY_MS });
    await set('FRESH_KEY', 'workspace', { expiresAt: now + 30 * DAY_MS });
    const nodes = await view.getChildren();
    const marks = nodes.map((node) => {
      const { description, iconPath, resourceUri } = view.getTreeItem(node);
      assert.ok(resourceUri && iconPath instanceof vscode.ThemeIcon);
      const mark = view.decorations.provideFileDecoration(resourceUri);
      return [description, iconPath.id, iconPath.color?.id, mark?.badge, mark?.color?.id, mark?.tooltip];
    });
    assert.deepEqual(marks, [
      ['due for rotation · v1 · 1 month ago · not bound to a server', 'sync', 'list.warningForeground', 'R', 'list.warningForeground', 'Due for rotation'],
      ['expired 2 days ago · v1 · 1 month ago · not bound to a server', 'error', 'errorForeground', 'E', 'errorForeground', 'Expired'],
      ['expires in 3 days · v1 · just now · not bound to a server', 'watch', 'list.warningForeground', '!', 'list.warningForeground', 'Expires within a week'],
      ['v1 · just now · not bound to a server', 'key', undefined, undefined, undefined, undefined],
    ]); // prettier-ignore
    assert.equal(view.attention, 2);
    const other = vscode.Uri.file('/workspace/EXPIRED_KEY');
    assert.equal(view.decorations.provideFileDecoration(other), undefined, 'files are none of its business');
  });

  it('makes the tooltip of one secret when it is asked for', async () => {
    await set('A_KEY', 'user', { expiresAt: Date.now() + 3 * DAY_MS, rotateEveryMs: 90 * DAY_MS });
    const node = await child('A_KEY', await child('user (all workspaces)'));
    const item = view.getTreeItem(node);
    assert.equal(item.tooltip, undefined);
    const { tooltip } = view.resolveTreeItem(item, node);
    assert.ok(typeof tooltip === 'string');
    assert.match(
      tooltip,
      /^A_KEY\nScope: user \(all workspaces\)\nVersion 1, set .*\nExpires in 3 days \(.*\)\nA new value is due every 90 days\nNo server/,
    );
  });

  it('lists 10,000 secrets', async function () {
    this.timeout(240_000);
    const createdAt = Date.now();
    const snapshots = Array.from({ length: 10_000 }, (_, i) => ({
      scope: 'workspace',
      name: `KEY_${String(i).padStart(5, '0')}`,
      createdAt,
      versions: [{ version: 1, createdAt, value: Buffer.from(`value ${String(i)}`) }],
    }));
    await workspace.vaults.restore(snapshots, 'user');
    const start = performance.now();
    const nodes = await view.getChildren();
    const listed = performance.now();
    for (const node of nodes) view.getTreeItem(node);
    console.log(`10,000 secrets: listed in ${(listed - start).toFixed(0)} ms, items made in ${(performance.now() - listed).toFixed(0)} ms`);
    assert.equal(nodes.length, 10_000);
    assert.equal((await view.getChildren(nodes[4_321])).length, 1);
  });

  it('drags secrets with their scope', async () => {
    await set('A_KEY', 'github-work');
    const data = new vscode.DataTransfer();
    const scope = await child('github-work');
    view.handleDrag([scope], data);
    assert.equal([...data].length, 0, 'a whole scope is not dragged');
    view.handleDrag([await child('A_KEY', scope)], data);
    const [[, item] = []] = [...data];
    assert.deepEqual(JSON.parse((await item?.asString()) ?? ''), [{ scope: 'github-work', name: 'A_KEY' }]);
  });

  it('copies the name of a secret', async () => {
    await set('A_KEY', 'github-work');
    const node = await child('A_KEY', await child('github-work'));
    await vscode.commands.executeCommand('mcpSecrets.copySecretName', node);
    assert.equal(await vscode.env.clipboard.readText(), 'A_KEY');
  });

  it('shows missing secrets of a server in its own scope', async () => {
    await set('A_KEY');
    writeServersFile(workspace, { servers: { web: { url: 'https://a.example', scope: 'other', secrets: { A_KEY: 'bearer' } } } });
    const servers = container.serversView;
    const [server] = await servers.getChildren();
    assert.ok(server);
    assert.equal(seen(servers, server).description, 'http · needs approval · 1 secret · scope other');
    const binding = async (): Promise<string> => (await servers.getChildren(server)).map((node) => seen(servers, node).context).join();
    assert.equal(await binding(), 'binding.missing');
    await set('A_KEY', 'other');
    assert.equal(await binding(), 'binding.stored');
  });

  it('keeps addresses of secrets apart', () => {
    assert.notEqual(secretUri({ scope: 'a', name: 'B_C' }).toString(), secretUri({ scope: 'a.B', name: 'C' }).toString());
  });

  it('follows a secret that becomes fresh again', async () => {
    await set('A_KEY', 'workspace', { expiresAt: Date.now() + DAY_MS });
    await view.getChildren();
    await workspace.vaults.workspace.schedule('A_KEY', 'user', 'workspace', { expiresAt: null });
    await eventually('the mark is gone', async () => {
      await view.getChildren();
      return view.decorations.provideFileDecoration(secretUri({ scope: 'workspace', name: 'A_KEY' })) === undefined ? true : undefined;
    });
  });
});
