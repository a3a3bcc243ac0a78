import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SecretSnapshot } from '../../../src/vault/secret';
import { refusal } from '../support/errors';
import { anySnapshots } from '../support/snapshots';
import { bench, tamper, valueOf, withSealed } from '../support/vaults';

function snapshotOf(name: string, values: readonly string[], dates: { expiresAt?: number; rotateEveryMs?: number } = {}): SecretSnapshot {
  const { expiresAt, rotateEveryMs } = dates;
  return {
    scope: 'workspace',
    name,
    createdAt: 1000,
    ...(rotateEveryMs === undefined ? {} : { rotateEveryMs }),
    versions: values.map((value, i) => ({
      version: i + 3,
      createdAt: 2000 + i,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      value: Buffer.from(value),
    })),
  };
}

const isZero = ({ versions }: SecretSnapshot): boolean => versions.every(({ value }) => value.every((byte) => byte === 0));

const inOrder = (snapshots: readonly SecretSnapshot[]): SecretSnapshot[] =>
  snapshots.toSorted((a, b) => (`${a.scope}/${a.name}` < `${b.scope}/${b.name}` ? -1 : 1));

describe('the secrets of a vault as a backup holds them', () => {
  it('come back into an empty vault as they were: versions, numbers, dates', async () => {
    await fc.assert(
      fc.asyncProperty(anySnapshots, async (make) => {
        const b = await bench();
        const given = make();
        await b.vault.restore(given, 'user');
        assert.ok(given.every(isZero));
        assert.deepEqual(inOrder(await b.another().snapshot()), inOrder(make()));
      }),
      { numRuns: 50 },
    );
  });

  it('of one vault go into another', async () => {
    const one = await bench({ A: 'a', B: 'b' });
    await one.vault.set('A', Buffer.from('a2'), 'user', 'workspace', { expiresAt: 2e12 });
    const two = await bench();
    await two.vault.restore(await one.vault.snapshot(), 'user');
    assert.equal(await valueOf(two.another(), 'A'), 'a2');
    assert.deepEqual(two.vault.list(), one.vault.list());
    assert.deepEqual(two.audit.entries.at(-1), {
      actor: 'user',
      action: 'backup.restore',
      secrets: ['A', 'B'],
      outcome: 'ok',
    });
  });

  it('that are here already get the value as a new version', async () => {
    const b = await bench({ A: 'mine' });
    await b.vault.restore([snapshotOf('A', ['older', 'theirs'], { expiresAt: 2e12, rotateEveryMs: 77 })], 'user');
    assert.deepEqual(
      b.vault.versions('A').map(({ version, expiresAt }) => [version, expiresAt]),
      [
        [2, 2e12],
        [1, undefined],
      ],
    );
    assert.equal(b.vault.infoOf('A')?.rotateEveryMs, 77);
    assert.equal(await valueOf(b.another(), 'A'), 'theirs');
    await b.vault.rollback('A', 'user');
    assert.equal(await valueOf(b.another(), 'A'), 'mine');
  });

  it('that are here with the same value get only its dates', async () => {
    const b = await bench({ A: 'same' });
    await b.vault.restore([snapshotOf('A', ['older', 'same'], { expiresAt: 2e12 })], 'user');
    assert.deepEqual([b.vault.infoOf('A')?.version, b.vault.infoOf('A')?.expiresAt], [1, 2e12]);
    await b.vault.restore([snapshotOf('A', ['same'])], 'user');
    assert.deepEqual([b.vault.infoOf('A')?.version, b.vault.infoOf('A')?.expiresAt], [1, undefined]);
    assert.equal(await valueOf(b.another(), 'A'), 'same');
  });

  it('take the place of one that does not open', async () => {
    const b = await bench({ A: 'same' });
    tamper(b, (secrets) => withSealed(secrets, 'A', (sealed) => sealed.fill(1)));
    const vault = b.another();
    assert.deepEqual(await vault.snapshot(), []);
    await vault.restore([snapshotOf('A', ['same'])], 'user');
    assert.equal(await valueOf(b.another(), 'A'), 'same');
    assert.deepEqual(await vault.quarantined(), []);
  });

  it('keep as many versions as the setting says', async () => {
    const b = await bench();
    b.keepVersions = 2;
    await b.vault.restore([snapshotOf('A', ['one', 'two', 'three'])], 'user');
    assert.deepEqual(
      b.vault.versions('A').map(({ version }) => version),
      [5, 4],
    );
  });

  it('are taken in all or none, and overwritten in any case', async () => {
    const b = await bench({ A: 'mine' });
    const { head } = b.store;
    for (const [kind, bad] of [
      ['scopeInvalid', { ...snapshotOf('B', ['b']), scope: 'a/b' }],
      ['nameInvalid', snapshotOf('b', ['b'])],
      ['nameInvalid', snapshotOf('---', ['b'])],
    ] as const) {
      const given = [snapshotOf('C', ['c']), bad];
      await refusal(kind, () => b.vault.restore(given, 'user'));
      assert.ok(given.every(isZero));
      assert.equal(b.store.head, head);
    }
    b.store.failing = true;
    const given = [snapshotOf('C', ['c'])];
    await refusal('storeFailed', () => b.vault.restore(given, 'user'));
    b.store.failing = false;
    assert.ok(given.every(isZero));
    await b.vault.lock('user');
    const late = [snapshotOf('C', ['c'])];
    await refusal('locked', () => b.vault.restore(late, 'user'));
    assert.ok(late.every(isZero));
    await b.vault.unlock('user');
    assert.deepEqual(
      b
        .another()
        .list()
        .map(({ name }) => name),
      ['A'],
    );
  });

  it('leave out what does not open', async () => {
    const b = await bench({ A: 'old', B: 'b' });
    await b.vault.set('A', Buffer.from('new'), 'user');
    tamper(b, (secrets) => withSealed(secrets, 'B', (sealed) => sealed.fill(1)));
    const seen = await b.another().snapshot();
    assert.deepEqual(
      seen.map(({ name, versions }) => [name, versions.map(({ value }) => value.toString())]),
      [['A', ['old', 'new']]],
    );
  });
});
