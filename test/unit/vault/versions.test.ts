import assert from 'node:assert/strict';
import { refusal } from '../support/errors';
import { bench, edited, secretsOf, tamper, valueOf, withSealed } from '../support/vaults';
import type { Bench } from '../support/vaults';

/** A vault with a secret K that has these values, one after the other, a minute apart. */
async function benchWith(...values: readonly string[]): Promise<Bench> {
  const b = await bench();
  for (const value of values) {
    await b.vault.set('K', Buffer.from(value), 'user');
    b.clock.time += 60_000;
  }
  return b;
}

const numbersOf = ({ vault }: Bench): number[] => vault.versions('K').map(({ version }) => version);

describe('the versions of a secret', () => {
  it('are listed newest first, with their dates, without a key', async () => {
    const b = await benchWith('one', 'two', 'three');
    b.keys.keys.clear();
    const { time } = b.clock;
    assert.deepEqual(b.another().versions('k'), [
      { version: 3, createdAt: time - 60_000, current: true },
      { version: 2, createdAt: time - 120_000, current: false },
      { version: 1, createdAt: time - 180_000, current: false },
    ]);
    await refusal('secretMissing', () => b.vault.versions('X'));
    await refusal('secretMissing', () => b.vault.versions('K', 'other'));
  });

  it('stay as many as the setting says, and it may change', async () => {
    const b = await bench();
    const set = async (i: number): Promise<unknown> => b.vault.set('K', Buffer.from(`value ${String(i)}`), 'user');
    for (let i = 1; i <= 12; i++) await set(i);
    assert.deepEqual(numbersOf(b), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    b.keepVersions = 2;
    await set(13);
    assert.deepEqual(numbersOf(b), [13, 12]);
    b.keepVersions = 0;
    await set(14);
    assert.deepEqual(numbersOf(b), [14]);
    b.keepVersions = 3;
    await set(15);
    assert.deepEqual(numbersOf(b), [15, 14]);
    assert.equal(await valueOf(b.another(), 'K'), 'value 15');
  });

  it('of a secret that was deleted do not come back', async () => {
    const b = await benchWith('one', 'two');
    const [old] = secretsOf(b);
    await b.vault.delete('K', 'user');
    for (const value of ['new one', 'new two']) await b.vault.set('K', Buffer.from(value), 'user');
    // Somebody kept a copy of the first version that K had when it was there before.
    tamper(b, (secrets) =>
      edited(secrets, 'K', (secret) => ({
        ...secret,
        versions: secret.versions.map((v, i) => (i === 0 ? { ...v, sealed: old?.versions[0]?.sealed ?? '' } : v)),
      })),
    );
    const vault = b.another();
    assert.deepEqual(await vault.check(), [{ scope: 'workspace', name: 'K', version: 1 }]);
    await refusal('secretUnreadable', () => vault.rollback('K', 'user'));
    assert.equal(await valueOf(vault, 'K'), 'new two');
  });
});

describe('rolling a secret back', () => {
  it('makes the value before the current one current again, as a new version', async () => {
    const b = await benchWith('one', 'two', 'three');
    const info = await b.vault.rollback('k', 'user');
    assert.deepEqual([info.version, info.updatedAt, info.createdAt], [4, b.clock.time, b.clock.time - 180_000]);
    assert.equal(await valueOf(b.another(), 'K'), 'two');
    assert.deepEqual(numbersOf(b), [4, 3, 2, 1]);
    assert.deepEqual(b.audit.entries.at(-1), {
      actor: 'user',
      action: 'secret.rollback',
      secrets: ['K'],
      versions: { K: 4 },
      outcome: 'ok',
    });
  });

  it('twice brings back the value that was rolled back', async () => {
    const b = await benchWith('one', 'two', 'three');
    await b.vault.rollback('K', 'user');
    await b.vault.rollback('K', 'user');
    assert.equal(await valueOf(b.vault, 'K'), 'three');
    assert.equal(b.vault.infoOf('K')?.version, 5);
  });

  it('goes to any version that is kept', async () => {
    const b = await benchWith('one', 'two', 'three');
    await b.vault.rollback('K', 'user', 'workspace', 1);
    assert.equal(await valueOf(b.vault, 'K'), 'one');
    await b.vault.rollback('K', 'user', 'workspace', 3);
    assert.equal(await valueOf(b.vault, 'K'), 'three');
    assert.deepEqual(numbersOf(b), [5, 4, 3, 2, 1]);
  });

  it('is refused where there is nothing to go back to, and changes nothing', async () => {
    const b = await benchWith('one');
    const { head } = b.store;
    await refusal('nothingToRollBack', () => b.vault.rollback('K', 'user'));
    assert.deepEqual((await refusal('versionMissing', () => b.vault.rollback('K', 'user', 'workspace', 7))).details, {
      name: 'K',
      version: 7,
    });
    await refusal('secretMissing', () => b.vault.rollback('X', 'user'));
    await refusal('secretMissing', () => b.vault.rollback('K', 'user', 'other'));
    await refusal('secretMissing', async () => (await bench()).vault.rollback('K', 'user'));
    assert.equal(b.store.head, head);
  });

  it('of another scope: what is missing is told with the scope, and advised for it', async () => {
    const b = await benchWith('one');
    await b.vault.set('K', Buffer.from('there'), 'user', 'other');
    for (const act of [() => b.vault.rollback('K', 'user', 'other', 7), () => b.vault.destroyVersions('K', 'user', 'other', [7])])
      assert.match((await refusal('versionMissing', act)).message, /"mcp-secrets secret versions K --scope other" lists/);
    for (const act of [
      () => b.vault.versions('X', 'other'),
      () => b.vault.open(['X'], 'other'),
      () => b.vault.rollback('X', 'user', 'other'),
      () => b.vault.delete('X', 'user', 'other'),
      async () => (await bench()).vault.open(['X'], 'other'),
      async () => (await bench()).vault.delete('X', 'user', 'other'),
    ])
      assert.match((await refusal('secretMissing', act)).message, /in the scope "other"\..*"mcp-secrets secret set X --scope other"/);
    assert.deepEqual((await refusal('secretMissing', () => b.vault.open(['X']))).details, { names: ['X'] });
  });

  it('works when the current value is damaged, also to a version by its number', async () => {
    for (const [to, value] of [
      [undefined, 'two'],
      [1, 'one'],
    ] as const) {
      const b = await benchWith('one', 'two', 'three');
      tamper(b, (secrets) => withSealed(secrets, 'K', (sealed) => sealed.fill(1)));
      const vault = b.another();
      await refusal('secretUnreadable', () => vault.open(['K']));
      await vault.rollback('K', 'user', 'workspace', to);
      assert.equal(await valueOf(b.another(), 'K'), value);
      assert.deepEqual(await vault.quarantined(), []);
    }
  });
});

describe('destroying versions', () => {
  it('takes out those that are named', async () => {
    const b = await benchWith('one', 'two', 'three', 'four');
    assert.deepEqual(await b.vault.destroyVersions('K', 'user', 'workspace', [1, 3]), [1, 3]);
    assert.deepEqual(numbersOf(b), [4, 2]);
    await b.vault.rollback('K', 'user');
    assert.equal(await valueOf(b.another(), 'K'), 'two');
  });

  it('takes out all but the current one, which then has nothing to go back to', async () => {
    const b = await benchWith('one', 'two', 'three');
    assert.deepEqual(await b.vault.destroyVersions('K', 'user'), [1, 2]);
    assert.deepEqual(numbersOf(b), [3]);
    assert.equal(secretsOf(b)[0]?.versions.length, 1);
    await refusal('nothingToRollBack', () => b.vault.rollback('K', 'user'));
    assert.equal(await valueOf(b.another(), 'K'), 'three');
    await b.vault.set('K', Buffer.from('four'), 'user');
    assert.deepEqual(numbersOf(b), [4, 3]);
  });

  it('takes out none of them if one is current or not there', async () => {
    const b = await benchWith('one', 'two');
    for (const numbers of [[1, 2], [2], [1, 9]])
      await refusal('versionMissing', () => b.vault.destroyVersions('K', 'user', 'workspace', numbers));
    assert.deepEqual(numbersOf(b), [2, 1]);
    await refusal('secretMissing', () => b.vault.destroyVersions('X', 'user'));
  });

  it('is refused while the current value is damaged: it would be all that is left', async () => {
    const b = await benchWith('one', 'two');
    tamper(b, (secrets) => withSealed(secrets, 'K', (sealed) => sealed.fill(1)));
    await refusal('secretUnreadable', () => b.another().destroyVersions('K', 'user'));
  });
});

describe('the dates of a secret', () => {
  const scheduled = async (b: Bench, schedule: Parameters<Bench['vault']['schedule']>[3]): Promise<unknown> =>
    b.vault.schedule('K', 'user', 'workspace', schedule);

  it('are set with a value, or by themselves; what is not named stays', async () => {
    const b = await bench();
    await b.vault.set('K', Buffer.from('v'), 'user', 'workspace', { expiresAt: 5000, rotateEveryMs: 100 });
    assert.deepEqual([b.vault.infoOf('K')?.expiresAt, b.vault.infoOf('K')?.rotateEveryMs], [5000, 100]);
    await scheduled(b, { expiresAt: 6000 });
    assert.deepEqual([b.vault.infoOf('K')?.expiresAt, b.vault.infoOf('K')?.rotateEveryMs], [6000, 100]);
    await scheduled(b, { rotateEveryMs: null });
    assert.deepEqual([b.vault.infoOf('K')?.expiresAt, b.vault.infoOf('K')?.rotateEveryMs], [6000, undefined]);
    assert.equal((await b.another().open(['K']))[0]?.expiresAt, 6000);
    await scheduled(b, { expiresAt: null });
    assert.equal((await b.another().open(['K']))[0]?.expiresAt, undefined);
    assert.equal(b.vault.infoOf('K')?.version, 1);
  });

  it('expiry belongs to a version, and the interval to the secret', async () => {
    const b = await bench();
    await b.vault.set('K', Buffer.from('one'), 'user', 'workspace', { expiresAt: 5000, rotateEveryMs: 100 });
    await b.vault.set('K', Buffer.from('two'), 'user');
    assert.deepEqual([b.vault.infoOf('K')?.expiresAt, b.vault.infoOf('K')?.rotateEveryMs], [undefined, 100]);
    await b.vault.rollback('K', 'user');
    assert.deepEqual([b.vault.infoOf('K')?.expiresAt, b.vault.infoOf('K')?.rotateEveryMs], [5000, 100]);
    await b.vault.rollback('K', 'user', 'workspace', 2);
    assert.deepEqual([b.vault.infoOf('K')?.expiresAt, b.vault.infoOf('K')?.rotateEveryMs], [undefined, 100]);
    await b.vault.set('K', Buffer.from('three'), 'user', 'workspace', { rotateEveryMs: null });
    assert.equal(b.vault.infoOf('K')?.rotateEveryMs, undefined);
  });

  it('cannot be changed by somebody without the key', async () => {
    for (const change of [{ createdAt: 1 }, { rotateEveryMs: 1 }, { versions: [] }]) {
      const b = await benchWith('one', 'two');
      tamper(b, (secrets) => edited(secrets, 'K', (secret) => ({ ...secret, ...change })));
      const vault = b.another();
      await refusal('secretUnreadable', () => vault.open(['K']));
      await refusal('secretUnreadable', () => vault.schedule('K', 'user', 'workspace', { expiresAt: 5000 }));
    }
    for (const date of ['createdAt', 'expiresAt']) {
      const b = await benchWith('one', 'two');
      tamper(b, (secrets) => edited(secrets, 'K', (s) => ({ ...s, versions: s.versions.map((v) => ({ ...v, [date]: 9e15 })) })));
      await refusal('secretUnreadable', () => b.another().open(['K']));
    }
  });
});
