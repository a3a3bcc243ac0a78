import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { SecretsError } from '../../../src/shared/errors';
import { Vault } from '../../../src/vault/vault';
import { MemoryBlobStore } from '../support/memory';
import { refusal } from '../support/errors';
import { bench, valueOf } from '../support/vaults';
import type { Bench } from '../support/vaults';

/** Nothing can be opened or changed, and nothing was. */
async function assertClosed(b: Bench, kind: 'locked' | 'keyLost' | 'untrusted' | 'noFolder', vault = b.vault): Promise<void> {
  const { text } = b.store;
  const keys = b.keys.sets.length;
  assert.equal(await vault.state(), kind);
  await refusal(kind, () => vault.open(['K']));
  await refusal(kind, () => vault.set('K', Buffer.from('new'), 'user'));
  await refusal(kind, () => vault.set('NEW', Buffer.from('new'), 'user'));
  await refusal(kind, () => vault.delete('K', 'user'));
  assert.deepEqual(await vault.quarantined(), []);
  assert.equal(b.store.text, text);
  assert.equal(b.keys.sets.length, keys);
}

describe('the states of a vault', () => {
  it('locked: lists, and opens nothing until it is unlocked', async () => {
    const b = await bench({ K: 'value' });
    b.vault.lock();
    await assertClosed(b, 'locked');
    assert.equal(b.vault.list().length, 1);
    assert.equal(b.vault.versionOf('K'), 1);
    b.vault.unlock();
    assert.equal(await valueOf(b.vault, 'K'), 'value');
  });

  it('untrusted: lists, and opens nothing', async () => {
    const b = await bench({ K: 'value' });
    b.barrier = 'untrusted';
    await assertClosed(b, 'untrusted');
    assert.equal(b.vault.list().length, 1);
    b.barrier = undefined;
    assert.equal(await valueOf(b.vault, 'K'), 'value');
  });

  it('untrusted: makes no vault', async () => {
    const b = await bench();
    b.barrier = 'untrusted';
    await refusal('untrusted', () => b.vault.set('K', Buffer.from('v'), 'user'));
    assert.equal(b.store.text, undefined);
    assert.equal(b.keys.sets.length, 0);
  });

  it('noFolder: does not even list', async () => {
    const b = await bench({ K: 'value' });
    b.barrier = 'noFolder';
    await assertClosed(b, 'noFolder');
    await refusal('noFolder', () => b.vault.list());
  });

  it('keyLost: lists, opens nothing, and never makes a new key over what is there', async () => {
    const b = await bench({ K: 'value' });
    const kept = new Map(b.keys.keys);
    b.keys.keys.clear();
    await assertClosed(b, 'keyLost', b.another());
    assert.equal(b.another().list().length, 1);
    for (const [id, key] of kept) b.keys.keys.set(id, key);
    assert.equal(await valueOf(b.another(), 'K'), 'value');
  });

  it('keyLost: the key of another vault is no key', async () => {
    const b = await bench({ K: 'value' });
    for (const id of b.keys.keys.keys()) b.keys.keys.set(id, randomBytes(32));
    await assertClosed(b, 'keyLost', b.another());
  });

  it('keyLost: noticed after refresh in a window that has the key in memory', async () => {
    const b = await bench({ K: 'value' });
    b.keys.keys.clear();
    b.vault.refresh();
    await assertClosed(b, 'keyLost');
  });

  it('lock takes the key out of memory: it has to be fetched again', async () => {
    const b = await bench({ K: 'value' });
    b.vault.lock();
    b.keys.keys.clear();
    b.vault.unlock();
    assert.equal(await b.vault.state(), 'keyLost');
  });

  it('a key that is not kept seals nothing', async () => {
    for (const setting of ['fail', 'lose'] as const) {
      const b = await bench();
      b.keys.setting = setting;
      const value = Buffer.from('v');
      await refusal(setting === 'fail' ? 'storeFailed' : 'keyLost', () => b.vault.set('K', value, 'user'));
      assert.equal(b.store.text, undefined);
      assert.ok(value.every((byte) => byte === 0));
      b.keys.setting = 'keep';
      await b.vault.set('K', Buffer.from('v'), 'user');
      assert.equal(await valueOf(b.another(), 'K'), 'v');
    }
  });

  it('a key shared by several vaults, made by another process in the same moment, is used', async () => {
    const { clock, audit } = await bench();
    const shared = randomBytes(32);
    let there = false;
    const keys = {
      get: () => Promise.resolve(there ? Buffer.from(shared) : undefined),
      set: () => {
        there = true;
        return Promise.reject(new SecretsError('storeFailed', { path: 'key', reason: 'EEXIST' }));
      },
    };
    const store = new MemoryBlobStore();
    await new Vault({ store, keys, clock, audit }).set('K', Buffer.from('v'), 'cli');
    assert.equal(await valueOf(new Vault({ store, keys, clock, audit }), 'K'), 'v');
  });
});
