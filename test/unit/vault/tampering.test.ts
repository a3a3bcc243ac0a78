import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { StoredSecret, VaultDocument } from '../../../src/vault/document';
import { refusal } from '../support/errors';
import { bench, documentOf, tamper, valueOf, withSealed } from '../support/vaults';
import type { Bench } from '../support/vaults';

const VALUES = { A: 'the value of A', B: 'the value of B', C: 'the value of C' };

/** One secret does not open and says so, the others do, and what is stored stays as it is. */
async function assertOnlyBroken(b: Bench, broken: readonly string[], others: Readonly<Record<string, string>>): Promise<void> {
  const { text } = b.store;
  const vault = b.another();
  for (const name of broken) assert.deepEqual((await refusal('secretUnreadable', () => vault.open([name]))).details, { name });
  for (const [name, value] of Object.entries(others)) assert.equal(await valueOf(vault, name), value);
  // All or none: an intact secret asked for together with a broken one stays closed.
  for (const name of Object.keys(others)) await refusal('secretUnreadable', () => vault.open([name, ...broken]));
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
  assert.equal(b.store.text, text);
}

function edited(document: VaultDocument, name: string, change: (secret: StoredSecret) => StoredSecret): VaultDocument {
  return { ...document, secrets: document.secrets.map((secret) => (secret.name === name ? change(secret) : secret)) };
}

describe('a vault that was tampered with', () => {
  it('notices any single changed bit of a record', async () => {
    const b = await bench(VALUES);
    const original = b.store.text;
    const length = 12 + 16 + VALUES.B.length;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: length * 8 - 1 }), async (bit) => {
        b.store.text = original;
        tamper(b, (document) =>
          withSealed(document, 'B', (sealed) => {
            assert.equal(sealed.length, length);
            sealed.writeUInt8(sealed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
            return sealed;
          }),
        );
        await assertOnlyBroken(b, ['B'], { A: VALUES.A, C: VALUES.C });
      }),
      { numRuns: 120 },
    );
  });

  it('notices a record that was cut or made longer', async () => {
    const b = await bench(VALUES);
    const original = b.store.text;
    for (const change of [
      (sealed: Buffer) => sealed.subarray(0, 1),
      (sealed: Buffer) => sealed.subarray(0, 12),
      (sealed: Buffer) => sealed.subarray(0, 28),
      (sealed: Buffer) => sealed.subarray(0, -1),
      (sealed: Buffer) => Buffer.concat([sealed, Buffer.alloc(1)]),
    ]) {
      b.store.text = original;
      tamper(b, (document) => withSealed(document, 'B', change));
      await assertOnlyBroken(b, ['B'], { A: VALUES.A, C: VALUES.C });
    }
  });

  it('notices two records that changed places', async () => {
    const b = await bench(VALUES);
    tamper(b, (document) => {
      const [a, c] = [document.secrets.find((s) => s.name === 'A'), document.secrets.find((s) => s.name === 'C')];
      assert.ok(a && c);
      return edited(
        edited(document, 'A', (secret) => ({ ...secret, versions: c.versions })),
        'C',
        (secret) => ({ ...secret, versions: a.versions }),
      );
    });
    await assertOnlyBroken(b, ['A', 'C'], { B: VALUES.B });
  });

  it('notices a secret that took the name of another', async () => {
    const b = await bench({ A: VALUES.A, B: VALUES.B });
    tamper(b, (document) => edited(document, 'A', (secret) => ({ ...secret, name: 'PROD' })));
    await assertOnlyBroken(b, ['PROD'], { B: VALUES.B });
  });

  it('notices a secret that was moved to another scope', async () => {
    const b = await bench({ B: VALUES.B });
    await b.vault.set('A', Buffer.from('theirs'), 'user', 'other');
    tamper(b, (document) => edited(document, 'A', (secret) => ({ ...secret, scope: 'workspace' })));
    await assertOnlyBroken(b, ['A'], { B: VALUES.B });
  });

  describe('in its versions', () => {
    const twoVersions = async (): Promise<Bench> => {
      const b = await bench({ A: 'old', B: VALUES.B });
      await b.vault.set('A', Buffer.from('new'), 'user');
      return b;
    };

    it('notices an old value with the number of the new one', async () => {
      const b = await twoVersions();
      tamper(b, (document) =>
        edited(document, 'A', (secret) => ({ ...secret, versions: secret.versions.slice(0, 1).map((v) => ({ ...v, version: 2 })) })),
      );
      await assertOnlyBroken(b, ['A'], { B: VALUES.B });
    });

    it('notices two values that changed places', async () => {
      const b = await twoVersions();
      tamper(b, (document) =>
        edited(document, 'A', (secret) => ({
          ...secret,
          versions: secret.versions.map((v, i) => ({ ...v, sealed: secret.versions[1 - i]?.sealed ?? '' })),
        })),
      );
      await assertOnlyBroken(b, ['A'], { B: VALUES.B });
    });

    it('notices any other number', async () => {
      const b = await twoVersions();
      const original = b.store.text;
      for (const version of [3, 1000, Number.MAX_SAFE_INTEGER]) {
        b.store.text = original;
        tamper(b, (document) =>
          edited(document, 'A', (secret) => ({
            ...secret,
            versions: secret.versions.map((v) => (v.version === 2 ? { ...v, version } : v)),
          })),
        );
        await assertOnlyBroken(b, ['A'], { B: VALUES.B });
      }
    });

    it('notices that the newest value was taken away', async () => {
      const b = await twoVersions();
      tamper(b, (document) => edited(document, 'A', (secret) => ({ ...secret, versions: secret.versions.slice(0, 1) })));
      await refusal('secretUnreadable', () => b.another().open(['A']));
    });

    it('does not go back to an old value when only their order is changed', async () => {
      const b = await twoVersions();
      tamper(b, (document) => edited(document, 'A', (secret) => ({ ...secret, versions: secret.versions.toReversed() })));
      assert.equal(b.another().versionOf('A'), 2);
      assert.equal(await valueOf(b.another(), 'A'), 'new');
    });
  });

  it('notices the records of another vault', async () => {
    const b = await bench(VALUES);
    const foreign = await bench({ A: 'foreign' });
    const [theirs] = documentOf(foreign).secrets;
    assert.ok(theirs);
    tamper(b, (document) => edited(document, 'A', () => theirs));
    await assertOnlyBroken(b, ['A'], { B: VALUES.B, C: VALUES.C });
  });

  it('notices that it pretends to be another vault, even one with the same root key', async () => {
    const b = await bench(VALUES);
    const [key] = b.keys.keys.values();
    assert.ok(key);
    const vaultId = '0123456789abcdef0123456789abcdef';
    b.keys.keys.set(vaultId, key);
    const before = b.store.text;
    tamper(b, (document) => ({ ...document, vaultId }));
    assert.equal(await b.another().state(), 'keyLost');
    await refusal('keyLost', () => b.another().open(['A']));
    b.store.text = before;
    assert.equal(await valueOf(b.another(), 'A'), VALUES.A);
  });

  it('lets a broken secret be set again, and be deleted', async () => {
    const b = await bench(VALUES);
    tamper(b, (document) => withSealed(document, 'A', (sealed) => sealed.fill(1)));
    tamper(b, (document) => withSealed(document, 'B', (sealed) => sealed.fill(1)));
    await b.vault.set('A', Buffer.from('repaired'), 'user');
    assert.equal(await valueOf(b.vault, 'A'), 'repaired');
    await b.vault.delete('B', 'user');
    assert.deepEqual(await b.vault.quarantined(), []);
    assert.equal(await valueOf(b.vault, 'C'), VALUES.C);
  });

  it('keeps broken records when others are set', async () => {
    const b = await bench(VALUES);
    tamper(b, (document) => withSealed(document, 'A', (sealed) => sealed.fill(1)));
    const broken = documentOf(b).secrets.find((secret) => secret.name === 'A');
    await b.vault.set('B', Buffer.from('more'), 'user');
    assert.deepEqual(
      documentOf(b).secrets.find((secret) => secret.name === 'A'),
      broken,
    );
  });
});
