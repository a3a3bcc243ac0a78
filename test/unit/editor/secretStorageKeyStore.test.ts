import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { SecretStorageKeyStore } from '../../../src/editor/stores/secretStorageKeyStore';
import { fingerprintOf } from '../../../src/vault/keys';
import { MemorySecretStorage } from '../support/editorState';
import { refusal } from '../support/errors';

describe('root keys in the secret storage', () => {
  let storage = new MemorySecretStorage();
  let store = new SecretStorageKeyStore(storage);
  beforeEach(() => {
    storage = new MemorySecretStorage();
    store = new SecretStorageKeyStore(storage);
  });
  const names = (): string[] => [...storage.values.keys()].sort();

  it('are one per vault, found by the vault and the fingerprint', async () => {
    const [a, b] = [await store.create('a'), await store.create('b')];
    assert.notDeepEqual(a, b);
    assert.deepEqual(await store.get('a', fingerprintOf(a, 'a')), a);
    assert.equal(await store.get('b', fingerprintOf(a, 'a')), undefined);
    assert.equal(await store.get('a', fingerprintOf(b, 'a')), undefined);
  });

  it('are replaced: both are there until the vault needs the new one only', async () => {
    const first = await store.create('a');
    const old = fingerprintOf(first, 'a');
    const second = await store.successor('a', old);
    const next = fingerprintOf(second, 'a');
    assert.deepEqual(await new SecretStorageKeyStore(storage).successor('a', old), second, 'begun and not finished');
    assert.deepEqual([await store.get('a', old), await store.get('a', next)], [first, second]);
    await store.retire('a', next);
    assert.deepEqual([await store.get('a', old), await store.get('a', next)], [undefined, second]);
    assert.deepEqual(names(), ['keyIds/a', `rootKey/a/${next}`]);
    assert.notDeepEqual(await store.successor('a', next), second);
  });

  it('that were begun and lost in a crash are begun anew, and leave nothing', async () => {
    const first = await store.create('a');
    const old = fingerprintOf(first, 'a');
    storage.values.set('keyIds/a', `${'0'.repeat(32)} ${old}`);
    const second = await store.successor('a', old);
    await store.retire('a', fingerprintOf(second, 'a'));
    assert.deepEqual(names(), ['keyIds/a', `rootKey/a/${fingerprintOf(second, 'a')}`]);
  });

  it('of version 0.1 are found, replaced and removed', async () => {
    const former = randomBytes(32);
    const old = fingerprintOf(former, 'a');
    storage.values.set('rootKey/a', former.toString('base64'));
    assert.deepEqual(await store.get('a', old), former);
    assert.equal(await store.get('a', 'f'.repeat(32)), undefined);
    await store.retire('a', old);
    assert.deepEqual(await store.get('a', old), former);
    const next = fingerprintOf(await store.successor('a', old), 'a');
    assert.deepEqual(await store.get('a', old), former);
    await store.retire('a', next);
    assert.deepEqual(names(), ['keyIds/a', `rootKey/a/${next}`]);
  });

  it('are gone with their vault, and those of others are not', async () => {
    storage.values.set('rootKey/a', randomBytes(32).toString('base64'));
    const first = await store.create('a');
    await store.successor('a', fingerprintOf(first, 'a'));
    await store.keepGeneration('a', 3);
    const other = await store.create('b');
    await store.retire('a', undefined);
    assert.deepEqual(names(), ['keyIds/b', `rootKey/b/${fingerprintOf(other, 'b')}`]);
  });

  it('that are not kept are refused, with the way out and without a word of the platform', async () => {
    for (const setting of ['fail', 'lose'] as const) {
      storage.setting = setting;
      for (const act of [() => store.create('a'), () => store.successor('a', 'x')]) {
        const { message } = await refusal('keyNotKept', act);
        assert.match(message, /secret storage.*nothing was sealed under it.*passphrase instead/);
        assert.doesNotMatch(message, /hunter2/);
      }
    }
  });

  it('that cannot be keys are refused', async () => {
    storage.values.set('rootKey/a', 'AAAA');
    const { message } = await refusal('keyInvalid', () => store.get('a', 'x'));
    assert.match(message, /^The key in VS Code's secret storage cannot be used: it does not have 32 bytes\. Nothing was changed/);
  });

  it('can come from elsewhere', async () => {
    const key = randomBytes(32);
    await store.adopt('a', Buffer.from(key));
    assert.deepEqual(await store.get('a', fingerprintOf(key, 'a')), key);
  });

  it('have the highest generation beside them', async () => {
    await Promise.all([4, 9, 2, 7].map((generation) => store.keepGeneration('a', generation)));
    assert.deepEqual([await store.generation('a'), await store.generation('b')], [9, 0]);
    storage.values.set('generation/a', 'x');
    assert.equal(await store.generation('a'), 0);
    storage.setting = 'fail';
    assert.match((await refusal('storeFailed', () => store.keepGeneration('a', 1))).message, /VS Code's secret storage/);
  });
});
