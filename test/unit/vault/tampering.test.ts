import assert from 'node:assert/strict';
import type { StoredSecret } from '../../../src/vault/part';
import { headOf } from '../../../src/vault/record';
import { deriveKeys } from '../../../src/vault/keys';
import { refusal } from '../support/errors';
import { bench, edited, partNames, secretsOf, tamper, valueOf, withSealed } from '../support/vaults';
import type { Bench } from '../support/vaults';

const VALUES = { A: 'the value of A', B: 'the value of B', C: 'the value of C' };

/** Some secrets do not open and say so, the others do, and what is stored stays as it is. */
async function assertOnlyBroken(b: Bench, broken: readonly string[], others: Readonly<Record<string, string>>): Promise<void> {
  const { head } = b.store;
  const vault = b.another();
  for (const name of broken) assert.deepEqual((await refusal('secretUnreadable', () => vault.open([name]))).details, { name });
  for (const [name, value] of Object.entries(others)) assert.equal(await valueOf(vault, name), value);
  // All or none: an intact secret asked for together with a broken one stays closed.
  if (broken.length > 0) for (const name of Object.keys(others)) await refusal('secretUnreadable', () => vault.open([name, ...broken]));
  assert.deepEqual(
    (await vault.quarantined()).map((secret) => secret.name),
    broken,
  );
  assert.deepEqual(
    vault
      .list()
      .map((info) => info.name)
      .sort(),
    [...broken, ...Object.keys(others)].sort(),
  );
  assert.equal(b.store.head, head);
}

/** Nothing opens or changes any more, nothing was deleted, and `recover` brings back what proves itself. */
async function assertAltered(b: Bench, afterwards: Readonly<Record<string, string>>): Promise<void> {
  const { head } = b.store;
  const vault = b.another();
  for (const name of Object.keys(afterwards)) await refusal('vaultAltered', () => vault.open([name]));
  await refusal('vaultAltered', () => vault.set('NEW', Buffer.from('new'), 'user'));
  await refusal('vaultAltered', () => vault.rotateKey('user', () => undefined));
  await refusal('vaultAltered', () => vault.quarantined());
  await refusal('vaultAltered', () => vault.snapshot());
  assert.ok(b.store.head === head || vault.isRotating);
  const { kept } = await vault.recover('user');
  assert.equal(kept, Object.keys(afterwards).length);
  for (const [name, value] of Object.entries(afterwards)) assert.equal(await valueOf(b.another(), name), value);
}

describe('a vault that was tampered with', () => {
  it('notices a record that was cut or made longer', async () => {
    for (const change of [
      (sealed: Buffer) => sealed.subarray(0, 0),
      (sealed: Buffer) => sealed.subarray(0, 1),
      (sealed: Buffer) => sealed.subarray(0, 12),
      (sealed: Buffer) => sealed.subarray(0, 28),
      (sealed: Buffer) => sealed.subarray(0, -1),
      (sealed: Buffer) => Buffer.concat([sealed, Buffer.alloc(1)]),
    ]) {
      const b = await bench(VALUES);
      tamper(b, (secrets) => withSealed(secrets, 'B', change));
      await assertOnlyBroken(b, ['B'], { A: VALUES.A, C: VALUES.C });
    }
  });

  it('notices the record of another vault, and of the same vault under the same key', async () => {
    const b = await bench(VALUES);
    const [theirs] = secretsOf(await bench({ A: 'foreign' }));
    assert.ok(theirs);
    tamper(b, (secrets) => edited(secrets, 'A', ({ head }) => ({ ...theirs, head })));
    await assertOnlyBroken(b, ['A'], { B: VALUES.B, C: VALUES.C });
  });

  describe('in its names', () => {
    it('notices a secret that took the name of another', async () => {
      const b = await bench({ A: VALUES.A, B: VALUES.B });
      tamper(b, (secrets) => edited(secrets, 'A', (secret) => ({ ...secret, name: 'PROD' })));
      await assertAltered(b, { B: VALUES.B });
      await refusal('secretUnreadable', () => b.another().open(['PROD']));
    });

    it('notices a secret that was moved to another scope', async () => {
      const b = await bench({ B: VALUES.B });
      await b.vault.set('A', Buffer.from('theirs'), 'user', 'other');
      tamper(b, (secrets) => edited(secrets, 'A', (secret) => ({ ...secret, scope: 'workspace' })));
      await assertAltered(b, { B: VALUES.B });
      await refusal('secretUnreadable', () => b.another().open(['A']));
    });

    it('notices a secret that was taken away, added again, doubled or put elsewhere', async () => {
      const gone = await bench(VALUES);
      const before = secretsOf(gone);
      await gone.vault.delete('A', 'user');
      tamper(gone, () => before);
      await assertAltered(gone, VALUES);

      const taken = await bench(VALUES);
      tamper(taken, (secrets) => secrets.filter(({ name }) => name !== 'A'));
      assert.equal(taken.another().list().length, 2);
      await assertAltered(taken, { B: VALUES.B, C: VALUES.C });

      const doubled = await bench(VALUES);
      tamper(doubled, (secrets) => [...secrets, ...secrets.slice(0, 1)]);
      await assertAltered(doubled, VALUES);

      const moved = await bench(VALUES);
      tamper(moved, (secrets) => secrets.toReversed());
      await assertAltered(moved, VALUES);
    });

    it('says how many are missing after a recovery', async () => {
      const b = await bench(VALUES);
      tamper(b, (secrets) => secrets.slice(0, 1));
      assert.deepEqual(await b.another().recover('user'), { kept: 1, unreadable: [], missing: 2, previous: false });
    });

    it('needs the list of them only to find what is missing', async () => {
      for (const manifest of ['', '[]', 'null', '[["workspace","A"]]', '[["workspace","X","AAAA"]]', '\0']) {
        const b = await bench(VALUES);
        const [name = ''] = partNames(b.store);
        const [, ...lines] = (b.store.parts.get(name) ?? '').split('\n');
        b.store.parts.set(name, [manifest, ...lines].join('\n'));
        for (const [secret, value] of Object.entries(VALUES)) assert.equal(await valueOf(b.another(), secret), value);
        assert.deepEqual(await b.another().check(), []);
      }
    });

    it('notices an earlier state of one secret, with the proof that belonged to it', async () => {
      const b = await bench(VALUES);
      const before = secretsOf(b);
      await b.vault.set('A', Buffer.from('newer'), 'user');
      tamper(b, (secrets) => secrets.map((secret, i) => (secret.name === 'A' ? (before[i] ?? secret) : secret)));
      await assertAltered(b, VALUES);
    });
  });

  describe('in its versions', () => {
    const twoVersions = async (): Promise<Bench> => {
      const b = await bench({ A: 'old', B: VALUES.B });
      await b.vault.set('A', Buffer.from('new'), 'user');
      return b;
    };
    const changes: readonly (readonly [string, (versions: StoredSecret['versions']) => StoredSecret['versions']])[] = [
      ['an old value with the number of the new one', (versions) => versions.slice(0, 1).map((v) => ({ ...v, version: 2 }))],
      ['two values that changed places', (versions) => versions.map((v, i) => ({ ...v, sealed: versions[1 - i]?.sealed ?? '' }))],
      ['that the newest value was taken away', (versions) => versions.slice(0, 1)],
      ['that an old value was taken away', (versions) => versions.slice(1)],
      ['another order', (versions) => versions.toReversed()],
      ['a value that is there twice', (versions) => [...versions, ...versions]],
      ...[3, 1000, Number.MAX_SAFE_INTEGER].map(
        (version) =>
          [
            `the number ${String(version)}`,
            (vs: StoredSecret['versions']) => vs.map((v) => (v.version === 2 ? { ...v, version } : v)),
          ] as const,
      ),
    ];
    for (const [what, change] of changes) {
      it(`notices ${what}`, async () => {
        const b = await twoVersions();
        tamper(b, (secrets) => edited(secrets, 'A', (secret) => ({ ...secret, versions: change(secret.versions) })));
        await assertOnlyBroken(b, ['A'], { B: VALUES.B });
      });
    }
  });

  it('notices that it pretends to be another vault, even one with the same root key', async () => {
    const b = await bench(VALUES);
    const [[id, key] = []] = b.keys.keys;
    assert.ok(id !== undefined && key !== undefined);
    const vaultId = '0123456789abcdef0123456789abcdef';
    b.keys.keys.set(`${vaultId}/${id.slice(-32)}`, key);
    const before = b.store.head ?? '';
    b.store.head = before.replace(id.slice(0, 32), vaultId);
    assert.notEqual(b.store.head, before);
    assert.equal(await b.another().state(), 'keyLost');
    await refusal('keyLost', () => b.another().open(['A']));
    b.store.head = before;
    assert.equal(await valueOf(b.another(), 'A'), VALUES.A);
  });

  it('takes no proof that was made with the key of another vault', async () => {
    const b = await bench(VALUES);
    const keys = deriveKeys(Buffer.alloc(32, 7), '0'.repeat(32));
    tamper(b, (secrets) =>
      edited(secrets, 'A', (secret) => {
        const changed = { ...secret, createdAt: 1 };
        return { ...changed, head: headOf({ vaultId: '0'.repeat(32), keys }, changed) };
      }),
    );
    await assertAltered(b, { B: VALUES.B, C: VALUES.C });
  });

  it('keeps broken records when others are set, and when the key is replaced', async () => {
    const b = await bench(VALUES);
    tamper(b, (secrets) => withSealed(secrets, 'A', (sealed) => sealed.fill(1)));
    const broken = (): StoredSecret | undefined => secretsOf(b).find((secret) => secret.name === 'A');
    const before = broken();
    const vault = b.another();
    await vault.set('B', Buffer.from('more'), 'user');
    assert.deepEqual(broken(), before);
    await vault.rotateKey('user');
    assert.deepEqual(broken(), before);
    await assertOnlyBroken(b, ['A'], { B: 'more', C: VALUES.C });
  });

  it('refuses what is left when a part is gone, and says how many are missing', async () => {
    const b = await bench(VALUES);
    b.store.parts.clear();
    const vault = b.another();
    await refusal('vaultDamaged', () => vault.list());
    await refusal('vaultDamaged', () => vault.open(['A']));
    await refusal('vaultDamaged', () => vault.set('A', Buffer.from('new'), 'user'));
    await refusal('vaultDamaged', () => vault.delete('A', 'user'));
    assert.deepEqual(await vault.recover('user'), { kept: 0, unreadable: [], missing: 3, previous: false });
    await vault.set('A', Buffer.from('new'), 'user');
    assert.equal(await valueOf(b.another(), 'A'), 'new');
  });
});
