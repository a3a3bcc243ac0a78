import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExtensionContext } from 'vscode';
import { EditorTreeStore } from '../../src/editor/stores/editorTreeStore';
import { SecretStorageKeyStore } from '../../src/editor/stores/secretStorageKeyStore';
import { WorkspaceStateStore } from '../../src/editor/stores/workspaceStateStore';
import { isSecretsError } from '../../src/shared/errors';
import { fingerprintOf } from '../../src/vault/keys';
import { activated } from './support';

describe('stores', () => {
  let context: ExtensionContext;
  let folder: string;

  before(async () => {
    ({ context } = (await activated()).container);
    folder = mkdtempSync(join(tmpdir(), 'store-'));
  });

  after(async () => {
    rmSync(folder, { recursive: true });
    for (const name of ['shared', 'lost', 'torn']) await context.workspaceState.update(`store/${name}`, undefined);
  });

  const store = (name: string): WorkspaceStateStore => new WorkspaceStateStore(context.workspaceState, folder, name);
  const write = (to: WorkspaceStateStore, text: string): Promise<void> => to.update(() => Promise.resolve(text));

  it('keeps root keys in the secret storage', async () => {
    const keys = new SecretStorageKeyStore(context.secrets);
    assert.equal(await keys.get('test', 'f'.repeat(32)), undefined);
    const first = await keys.create('test');
    const old = fingerprintOf(first, 'test');
    assert.deepEqual(await keys.get('test', old), first);
    const second = await keys.successor('test', old);
    await keys.retire('test', fingerprintOf(second, 'test'));
    assert.equal(await keys.get('test', old), undefined);
    assert.deepEqual(await keys.get('test', fingerprintOf(second, 'test')), second);
    await keys.keepGeneration('test', 7);
    assert.equal(await keys.generation('test'), 7);
    await keys.retire('test', undefined);
    assert.equal(await keys.get('test', fingerprintOf(second, 'test')), undefined);
    assert.equal(await keys.generation('test'), 0);
  });

  it('refuses what cannot be a root key', async () => {
    await context.secrets.store('rootKey/bad', 'AAAA');
    await assert.rejects(new SecretStorageKeyStore(context.secrets).get('bad', 'x'), (error) => isSecretsError(error, 'keyInvalid'));
    await context.secrets.delete('rootKey/bad');
  });

  it('keeps a tree in files, with a copy in the workspace state', async () => {
    const open = (): EditorTreeStore =>
      new EditorTreeStore({ memento: context.workspaceState, folder, name: 'test', generationOf: Number });
    await open().update(() => Promise.resolve({ head: '1', parts: new Map([['a', 'part']]), names: ['a'] }));
    assert.deepEqual([open().read(), open().part('a')], ['1', 'part']);
    rmSync(join(folder, 'test.store'));
    rmSync(join(folder, 'test.parts'), { recursive: true });
    assert.deepEqual([open().read(), open().part('a')], ['1', 'part']);
    await open().destroy();
    assert.equal(open().read(), undefined);
    assert.equal(context.workspaceState.get('tree/test'), undefined);
  });

  it('loses no write of two stores on one folder', async () => {
    const [one, two] = [store('shared'), store('shared')];
    const add = (to: WorkspaceStateStore, line: string): Promise<void> => to.update((text) => Promise.resolve(`${text ?? ''}${line}\n`));
    await Promise.all(Array.from({ length: 20 }, (_, i) => add(i % 2 === 0 ? one : two, `line ${String(i)}`)));
    assert.equal(one.read()?.split('\n').filter(Boolean).length, 20);
    assert.equal(two.read(), one.read());
    assert.match(String(context.workspaceState.get('store/shared')), /^20\n/);
  });

  it('returns the same string while nothing changes, and writes nothing if the change gives nothing', async () => {
    const shared = store('shared');
    const text = shared.read();
    await shared.update(() => Promise.resolve(undefined));
    assert.equal(shared.read(), text);
    await assert.rejects(
      shared.update(() => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(shared.read(), text);
  });

  it('goes on with the other copy if one is lost', async () => {
    await write(store('lost'), 'first');
    rmSync(join(folder, 'lost.store'));
    assert.equal(store('lost').read(), 'first');
    await write(store('lost'), 'second');
    await context.workspaceState.update('store/lost', undefined);
    assert.equal(store('lost').read(), 'second');
    assert.match(String(context.workspaceState.get('store/lost')), /^2\nsecond$/);
  });

  it('takes the newer copy, and passes over one that is none', async () => {
    await write(store('torn'), 'old');
    await context.workspaceState.update('store/torn', '7\nnewer');
    assert.equal(store('torn').read(), 'newer');
    await context.workspaceState.update('store/torn', { not: 'text' });
    assert.equal(store('torn').read(), 'old');
  });
});
