import * as assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExtensionContext } from 'vscode';
import type { Container } from '../../src/editor/container';
import type { Workspace } from '../../src/editor/workspace';
import { FileTreeStore } from '../../src/shared/fileTreeStore';
import { parseHead } from '../../src/vault/head';
import { deriveKeys } from '../../src/vault/keys';
import { parsePart } from '../../src/vault/part';
import { newTree } from '../../src/vault/tree';
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
    const name = keyName();
    const key = await context.secrets.get(name);
    assert.ok(key);
    await context.secrets.delete(name);
    try {
      await becomes('keyLost');
      const view = container.secretsView;
      const item = await eventually('the secret is marked', async () => {
        const [first] = (await view.getChildren()).map((node) => seen(view, node));
        return first?.context === 'secret.unreadable' ? first : undefined;
      });
      assert.equal(item.label, 'STATE_KEY');
      assert.match(item.description, /^cannot be opened · v1 · .* · not bound to a server$/);
      await assert.rejects(workspace.vaults.workspace.set('OTHER_KEY', Buffer.from('other value'), 'user'), { kind: 'keyLost' });
      assert.equal(await context.secrets.get(name), undefined);
    } finally {
      await context.secrets.store(name, key);
    }
    await becomes('ready');
    const [opened] = await workspace.vaults.workspace.open(['STATE_KEY']);
    assert.equal(opened?.value.toString(), 'state value');
  });

  it('error for a document of a newer format, which stays as it is', async () => {
    const path = storePath();
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"format":2', '"format":99'));
    workspace.vaults.refresh();
    try {
      await becomes('error');
      await assert.rejects(workspace.vaults.workspace.state(), { kind: 'vaultNewer' });
      await assert.rejects(workspace.vaults.workspace.set('STATE_KEY', Buffer.from('new'), 'user'), { kind: 'vaultNewer' });
      assert.deepEqual(await container.secretsView.getChildren(), []);
      assert.match(readFileSync(path, 'utf8'), /"format":99/);
    } finally {
      writeFileSync(path, text);
      workspace.vaults.refresh();
    }
    await becomes('ready');
    assert.equal(workspace.vaults.workspace.list().length, 1);
  });

  it('ready, with a secret in quarantine, for tampered ciphertext', async () => {
    const store = new FileTreeStore(storePath());
    const head = parseHead(store.read() ?? '');
    const key = Buffer.from((await context.secrets.get(keyName())) ?? '', 'base64');
    assert.ok(head);
    const home = { vaultId: head.vaultId, keys: deriveKeys(key, head.vaultId) };
    const stored = store.names().flatMap((name) => parsePart(store.part(name) ?? '').secrets);
    const tamper = (sealed: string): string => (sealed.startsWith('A') ? 'B' : 'A') + sealed.slice(1);
    // As if it had been changed in the file before this window read it: its proof is the one that was written.
    const tampered = stored.map((secret) => ({ ...secret, versions: secret.versions.map((v) => ({ ...v, sealed: tamper(v.sealed) })) }));
    await store.update(() => Promise.resolve(newTree(home, tampered, head.generation + 1)));
    workspace.vaults.refresh();
    const view = container.secretsView;
    await eventually('the secret is in quarantine', async () => {
      const [item] = (await view.getChildren()).map((node) => seen(view, node));
      return item?.description.startsWith('cannot be opened') === true ? item : undefined;
    });
    await assert.rejects(workspace.vaults.workspace.open(['STATE_KEY']), { kind: 'secretUnreadable' });
  });

  function storePath(): string {
    assert.ok(context.storageUri);
    return join(context.storageUri.fsPath, 'vault.store');
  }

  function keyName(): string {
    const head = parseHead(new FileTreeStore(storePath()).read() ?? '');
    return `rootKey/${head?.vaultId ?? ''}/${head?.keyId ?? ''}`;
  }
});
