import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isSecretsError } from '../../../src/shared/errors';
import { parseHead, shardOf } from '../../../src/vault/head';
import type { Head } from '../../../src/vault/head';
import { anyJson, anyText } from '../support/arbitraries';
import { outcomeOf, refusal } from '../support/errors';
import { bench, valueOf } from '../support/vaults';
import type { Bench } from '../support/vaults';

function headOf({ store }: Bench): Head {
  const head = parseHead(store.head ?? '');
  assert.ok(head);
  return head;
}

/** Everything that can be asked of a vault fails alike, and what is stored stays as it is. */
async function assertRefused(b: Bench, kind: 'vaultDamaged' | 'vaultNewer', text: string): Promise<void> {
  b.store.head = text;
  const vault = b.another();
  await refusal(kind, () => vault.list());
  await refusal(kind, () => vault.lockState());
  await refusal(kind, () => vault.state());
  await refusal(kind, () => vault.open(['K']));
  await refusal(kind, () => vault.set('K', Buffer.from('new'), 'user'));
  await refusal(kind, () => vault.set('NEW', Buffer.from('new'), 'user'));
  await refusal(kind, () => vault.delete('K', 'user'));
  await refusal(kind, () => vault.rotateKey('user'));
  assert.equal(b.store.head, text);
  assert.equal(b.keys.made.length, 1);
}

describe('the head of a vault', () => {
  it('of a newer format is left alone', async () => {
    const b = await bench({ K: 'v' });
    const newer = [3, 4, 2.5, 1e308].map((format) => JSON.stringify({ ...headOf(b), format, something: 'new' }));
    for (const text of [...newer, '{"format":3}']) await assertRefused(b, 'vaultNewer', text);
  });

  const damages: readonly (readonly [string, (head: Head) => unknown])[] = [
    ['null', () => null],
    ['a list', () => []],
    ['nothing in it', () => ({})],
    ['an older format than there ever was', (h) => ({ ...h, format: 0 })],
    ['a format that is no number', (h) => ({ ...h, format: '2' })],
    ['no vault id', (h) => ({ ...h, vaultId: undefined })],
    ['a wrong key id', (h) => ({ ...h, keyId: 'x' })],
    ['a generation that is none', (h) => ({ ...h, generation: 0 })],
    ['an unknown lock', (h) => ({ ...h, lock: 'ajar' })],
    ['no parts', (h) => ({ ...h, shards: [] })],
    ['parts that are no power of two', (h) => ({ ...h, shards: [...h.shards, ...h.shards, ...h.shards] })],
    ['a part with a path for a name', (h) => ({ ...h, shards: h.shards.map((s) => ({ ...s, part: '../key' })) })],
  ];
  for (const [what, damage] of damages) {
    it(`that is damaged is left alone: ${what}`, async () => {
      const b = await bench({ K: 'v' });
      await assertRefused(b, 'vaultDamaged', JSON.stringify(damage(headOf(b))));
    });
  }

  it('that is no JSON, or cut, is left alone', async () => {
    const b = await bench({ K: 'v' });
    for (const text of ['', 'not json', (b.store.head ?? '').slice(0, -10)]) await assertRefused(b, 'vaultDamaged', text);
  });

  it('can be any text: nothing but an error of ours comes of it', async () => {
    const texts = fc.oneof(
      anyText(0, 60),
      anyJson.map((value) => JSON.stringify(value)),
      fc.constantFrom('[', '{"__proto__":{"format":3}}', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, '{"format":1e999}', '{"format":1}'),
    );
    const b = await bench({ K: 'v' });
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        b.store.head = text;
        const error = await outcomeOf(() => b.another().list());
        assert.ok(isSecretsError(error), String(error));
        const setting = await outcomeOf(() => b.another().set('K', Buffer.from('v'), 'user'));
        assert.ok(isSecretsError(setting), String(setting));
        assert.equal(b.store.head, text);
      }),
      { numRuns: 200 },
    );
  });

  it('can be changed anywhere by somebody who knows its form, and nothing opens then', async () => {
    const b = await bench({ K: 'the value' });
    const good = headOf(b);
    const [shard] = good.shards;
    const changes: readonly Partial<Record<keyof Head, unknown>>[] = [
      { lock: 'locked' },
      { generation: good.generation + 1 },
      { formerAudit: [{ keyId: good.keyId, sealed: 'AAAA' }] },
      { nextKeyId: good.keyId },
      { shards: [{ ...shard, count: 0 }] },
      { shards: [shard, shard] },
      { mac: 'AAAA' },
    ];
    for (const change of changes) {
      b.store.head = JSON.stringify({ ...good, ...change });
      const vault = b.another();
      const error = await outcomeOf(() => vault.open(['K']));
      assert.ok(isSecretsError(error, 'vaultAltered') || isSecretsError(error, 'locked'), JSON.stringify(change));
      await refusal('vaultAltered', () => vault.unlock('user'));
    }
    b.store.head = JSON.stringify(good);
    assert.equal(await valueOf(b.another(), 'K'), 'the value');
  });

  it('can be any JSON in any place: nothing but an error of ours comes of it, and no wrong value', async () => {
    const b = await bench({ K: 'the value', L: 'another value' });
    const good = headOf(b);
    const changed = fc
      .tuple(fc.constantFrom(...Object.keys(good)), anyJson)
      .map(([key, value]) => JSON.stringify({ ...good, [key]: value }));
    await fc.assert(
      fc.asyncProperty(changed, async (text) => {
        b.store.head = text;
        const error = await outcomeOf(async () => {
          assert.equal(await valueOf(b.another(), 'K'), 'the value');
        });
        assert.ok(error === undefined || isSecretsError(error), String(error));
      }),
      { numRuns: 200 },
    );
  });

  it('says where it is damaged without saying what is there', async () => {
    const b = await bench({ K: 'v' });
    const text = JSON.stringify({ ...headOf(b), vaultId: 'SOMETHING-PRIVATE' });
    const error = await refusal('vaultDamaged', () => parseHead(text));
    assert.match(error.message, /vaultId/);
    assert.doesNotMatch(error.message, /PRIVATE/);
  });
});

describe('the part that a secret is in', () => {
  it('stays the same or is the new half when the number of parts doubles, and all of them are used alike', () => {
    const keys = Array.from({ length: 4096 }, (_, i) => `workspace/TOKEN_${String(i)}`);
    for (let count = 1; count <= 64; count *= 2) {
      const sizes = new Map<number, number>();
      for (const key of keys) {
        const shard = shardOf(key, count);
        assert.ok(shard >= 0 && shard < count);
        const next = shardOf(key, count * 2);
        assert.ok(next === shard || next === shard + count);
        sizes.set(shard, (sizes.get(shard) ?? 0) + 1);
      }
      assert.equal(sizes.size, count);
      for (const size of sizes.values()) assert.ok(size < (4096 / count) * 2);
    }
  });
});
