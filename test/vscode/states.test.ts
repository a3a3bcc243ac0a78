import * as assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExtensionContext } from 'vscode';
import type { Container } from '../../src/editor/container';
import type { Workspace } from '../../src/editor/workspace';
import { activated, eventually, reset, seen } from './support';

describe('states', () => {
  let container: Container;
  let context: ExtensionContext;
  let workspace: Workspace;

  before(async () => {
    ({ container, workspace } = await activated());
    ({ context } = container);
    await reset(workspace);
    await workspace.vaults.workspace.set('STATE_KEY', Buffer.from('state value'), 'user');
  });

  after(() => reset(workspace));

  const becomes = (name: string): Promise<unknown> =>
    eventually(`the state is ${name}`, () => (container.state.current.name === name ? true : undefined));

  it('locked, until it is unlocked', async () => {
    await workspace.vaults.lock('user');
    await becomes('locked');
    await assert.rejects(workspace.vaults.workspace.open(['STATE_KEY']), { kind: 'locked' });
    await workspace.vaults.unlock('user');
    await becomes('ready');
  });

  it('key lost while the key is gone: nothing is lost, nothing is made anew', async () => {
    const name = `rootKey/${vaultId()}`;
    const key = await context.secrets.get(name);
    assert.ok(key);
    await context.secrets.delete(name);
    await becomes('keyLost');
    const view = container.secretsView;
    const [item] = (await view.getChildren()).map((node) => seen(view, node));
    assert.deepEqual(item, {
      label: 'STATE_KEY',
      description: 'cannot be opened · v1 · just now · not bound to a server',
      context: 'secret.unreadable',
    });
    await assert.rejects(workspace.vaults.workspace.set('OTHER_KEY', Buffer.from('other value'), 'user'), { kind: 'keyLost' });
    assert.equal(await context.secrets.get(name), undefined);

    await context.secrets.store(name, key);
    await becomes('ready');
    const [opened] = await workspace.vaults.workspace.open(['STATE_KEY']);
    assert.equal(opened?.value.toString(), 'state value');
  });

  it('error for a document of a newer format, which stays as it is', async () => {
    await withDocument(
      (document) => ({ ...document, format: 99 }),
      async () => {
        await becomes('error');
        await assert.rejects(workspace.vaults.workspace.state(), { kind: 'vaultNewer' });
        assert.deepEqual(await container.secretsView.getChildren(), []);
      },
    );
    await becomes('ready');
    assert.equal(workspace.vaults.workspace.list().length, 1);
  });

  it('ready, with a secret in quarantine, for tampered ciphertext', async () => {
    const tamper = (sealed: string): string => (sealed.startsWith('A') ? 'B' : 'A') + sealed.slice(1);
    await withDocument(
      (document) =>
        JSON.parse(JSON.stringify(document, (key, value: unknown) => (key === 'sealed' ? tamper(String(value)) : value))) as object,
      async () => {
        const view = container.secretsView;
        await eventually('the secret is in quarantine', async () => {
          const [item] = (await view.getChildren()).map((node) => seen(view, node));
          return item?.description.startsWith('cannot be opened') === true ? item : undefined;
        });
        await assert.rejects(workspace.vaults.workspace.open(['STATE_KEY']), { kind: 'secretUnreadable' });
      },
    );
  });

  function storePath(): string {
    assert.ok(context.storageUri);
    return join(context.storageUri.fsPath, 'vault.store');
  }

  function vaultId(): string {
    return /"vaultId":"([0-9a-f]+)"/.exec(readFileSync(storePath(), 'utf8'))?.[1] ?? '';
  }

  /** Runs with another document in the store, as another process would have left it; then puts the old one back. */
  async function withDocument(change: (document: object) => object, run: () => Promise<void>): Promise<void> {
    const path = storePath();
    const [generation = '', text = ''] = readFileSync(path, 'utf8').split('\n');
    const next = (by: number): string => String(Number(generation) + by);
    writeFileSync(path, `${next(1)}\n${JSON.stringify(change(JSON.parse(text) as object))}`);
    workspace.vaults.workspace.refresh();
    try {
      await run();
    } finally {
      writeFileSync(path, `${next(2)}\n${text}`);
      workspace.vaults.workspace.refresh();
    }
  }
});
