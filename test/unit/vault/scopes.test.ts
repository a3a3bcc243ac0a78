import assert from 'node:assert/strict';
import { parseHead } from '../../../src/vault/head';
import { refusal } from '../support/errors';
import { bench, valueOf } from '../support/vaults';
import type { Bench } from '../support/vaults';

async function withScopes(): Promise<Bench> {
  const b = await bench({ A: 'here', B: 'b' });
  await b.vault.set('A', Buffer.from('work'), 'user', 'github-work');
  await b.vault.set('C', Buffer.from('c'), 'user', 'github-work');
  await b.vault.set('A', Buffer.from('home'), 'user', 'github-personal');
  return b;
}

const placesOf = ({ vault }: Bench): string[] => vault.list().map(({ scope, name }) => `${scope}/${name}`);

describe('the scopes of a vault', () => {
  it('hold secrets of the same name apart', async () => {
    const b = await withScopes();
    assert.deepEqual(placesOf(b), ['github-personal/A', 'github-work/A', 'github-work/C', 'workspace/A', 'workspace/B']);
    for (const [scope, value] of [
      ['workspace', 'here'],
      ['github-work', 'work'],
      ['github-personal', 'home'],
    ] as const)
      assert.equal(await valueOf(b.another(), 'A', scope), value);
    const error = await refusal('secretMissing', () => b.vault.open(['A', 'B', 'C'], 'github-personal'));
    assert.deepEqual(error.details.names, ['B', 'C']);
    assert.equal(b.vault.infoOf('B', 'github-work'), undefined);
    assert.equal(b.vault.sealOf('B', 'github-work'), undefined);
  });

  it('have names that can be typed', async () => {
    const b = await bench();
    for (const scope of ['', ' ', 'a b', 'a/b', '../x', '-a', 'x'.repeat(65), 'ä', 'a\n']) {
      const value = Buffer.from('value');
      await refusal('scopeInvalid', () => b.vault.set('A', value, 'user', scope));
      assert.ok(value.every((byte) => byte === 0));
    }
    assert.equal(b.store.head, undefined);
  });

  it('are deleted with all that is in them, at once, and nothing else', async () => {
    const b = await withScopes();
    const { writes } = b.store;
    assert.deepEqual(await b.vault.deleteScope('github-work', 'user'), ['A', 'C']);
    assert.equal(b.store.writes, writes + 1);
    assert.deepEqual(placesOf(b), ['github-personal/A', 'workspace/A', 'workspace/B']);
    await refusal('secretMissing', () => b.another().open(['A'], 'github-work'));
    assert.equal(await valueOf(b.another(), 'A', 'github-personal'), 'home');
    assert.deepEqual(b.audit.entries.at(-1), {
      actor: 'user',
      action: 'scope.delete',
      scope: 'github-work',
      secrets: ['A', 'C'],
      outcome: 'ok',
    });
  });

  it('that are empty cannot be deleted', async () => {
    const b = await withScopes();
    const { head } = b.store;
    await refusal('scopeMissing', () => b.vault.deleteScope('nothing', 'user'));
    await refusal('scopeMissing', () => b.vault.deleteScope('GITHUB-WORK', 'user'));
    await refusal('scopeMissing', async () => (await bench()).vault.deleteScope('workspace', 'user'));
    assert.equal(b.store.head, head);
  });
});

describe('a vault with many secrets', () => {
  const partsOf = ({ store }: Bench): number => parseHead(store.head ?? '')?.shards.length ?? 0;

  it('uses more parts as it grows, and finds every secret at each size', async () => {
    const b = await bench();
    const seen = new Set<number>();
    for (let i = 0; i < 300; i++) {
      await b.vault.set(`K${String(i)}`, Buffer.from(`value ${String(i)}`), 'user', i % 3 === 0 ? 'other' : 'workspace');
      assert.equal(b.vault.size, i + 1);
      if (!seen.has(partsOf(b))) {
        seen.add(partsOf(b));
        const vault = b.another();
        assert.equal(vault.list().length, i + 1);
        for (let k = 0; k <= i; k++)
          assert.equal(await valueOf(vault, `K${String(k)}`, k % 3 === 0 ? 'other' : 'workspace'), `value ${String(k)}`);
        assert.deepEqual(await vault.check(), []);
      }
    }
    assert.deepEqual([...seen], [1, 2, 4]);
    // Of no part that was replaced anything is left but what the generation before needs.
    assert.ok(b.store.parts.size <= 8);
  }).timeout(60_000);

  it('writes only the part that a change is in', async () => {
    const b = await bench();
    const value = (): Buffer => Buffer.from('v');
    const snapshots = Array.from({ length: 600 }, (_, i) => ({
      scope: 'workspace',
      name: `K${String(i)}`,
      createdAt: 1,
      versions: [{ version: 1, createdAt: 1, value: value() }],
    }));
    await b.vault.restore(snapshots, 'user');
    assert.equal(partsOf(b), 8);
    const before = new Set(b.store.parts.keys());
    await b.vault.set('K77', value(), 'user');
    assert.equal([...b.store.parts.keys()].filter((name) => !before.has(name)).length, 1);
  });

  it('can be listed in steps, without a key', async () => {
    const b = await bench(Object.fromEntries(Array.from({ length: 140 }, (_, i) => [`K${String(i)}`, 'v'])));
    b.keys.keys.clear();
    const vault = b.another();
    await vault.load();
    assert.equal(vault.list().length, 140);
    assert.equal(vault.size, 140);
    assert.equal(vault.infoOf('K100')?.version, 1);
    assert.equal(vault.versions('K100').length, 1);
  });
});
