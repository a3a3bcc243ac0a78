import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SecretsError } from '../../../src/shared/errors';
import { parseHead } from '../../../src/vault/head';
import type { Vault } from '../../../src/vault/vault';
import { outcomeOf, refusal } from '../support/errors';
import { bench, benchOf, partNames, putBack, storedOf, valueOf } from '../support/vaults';
import type { Bench, Stored } from '../support/vaults';

const NAMES = ['A', 'B', 'C', 'D'] as const;

interface Act {
  readonly kind: 'set' | 'delete' | 'rollback' | 'destroyVersions' | 'schedule';
  readonly name: (typeof NAMES)[number];
}

const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'set' as const,
      'set' as const,
      'delete' as const,
      'rollback' as const,
      'destroyVersions' as const,
      'schedule' as const,
    ),
    name: fc.constantFrom(...NAMES),
  }),
  { minLength: 2, maxLength: 12 },
);

/** One state that a vault went through, and the values that it held. */
interface Generation {
  readonly stored: Stored;
  readonly values: ReadonlyMap<string, string>;
}

async function valuesOf(vault: Vault): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const { name } of vault.list()) values.set(name, await valueOf(vault, name));
  return values;
}

/** Does what can be done of it. Every state that there was is returned, the last one included. */
async function history(b: Bench, list: readonly Act[]): Promise<Generation[]> {
  const generations: Generation[] = [];
  for (const [i, { kind, name }] of [{ kind: 'set', name: 'A' } as const, ...list].entries()) {
    const { head } = b.store;
    b.clock.time += 1;
    const { vault } = b;
    const act = {
      set: () => vault.set(name, Buffer.from(`${name} ${String(i)}`), 'user'),
      delete: () => vault.delete(name, 'user'),
      rollback: () => vault.rollback(name, 'user'),
      destroyVersions: () => vault.destroyVersions(name, 'user'),
      schedule: () => vault.schedule(name, 'user', 'workspace', { expiresAt: 2e12 + i }),
    }[kind];
    const error = await outcomeOf(act);
    assert.ok(error === undefined || error instanceof SecretsError, String(error));
    if (b.store.head !== head) generations.push({ stored: storedOf(b), values: await valuesOf(vault) });
  }
  return generations;
}

describe('an older document that was put back', () => {
  it('as a whole is noticed, whichever it is, and can be accepted', async () => {
    await fc.assert(
      fc.asyncProperty(acts, async (list) => {
        const b = await bench();
        const generations = await history(b, list);
        const kept = new Map(b.keys.generations);
        for (const { stored, values } of generations.slice(0, -1)) {
          putBack(b, stored);
          b.keys.generations.clear();
          for (const [id, generation] of kept) b.keys.generations.set(id, generation);
          // In a window that was there all the time, and in a new one.
          for (const vault of [b.vault, b.another()]) {
            for (const name of NAMES) await refusal('vaultOlder', () => vault.open([name]));
            for (const name of NAMES) await refusal('vaultOlder', () => vault.set(name, Buffer.from('new'), 'user'));
            await refusal('vaultOlder', () => vault.state());
            await refusal('vaultOlder', () => vault.delete('A', 'user'));
            await refusal('vaultOlder', () => vault.rotateKey('user'));
          }
          assert.equal(b.store.head, stored.head);
          const vault = b.another();
          assert.deepEqual(await vault.recover('user'), { kept: values.size, unreadable: [], missing: 0, previous: false });
          for (const each of [vault, b.vault, b.another()]) assert.deepEqual(await valuesOf(each), values);
        }
      }),
      { numRuns: 40 },
    );
  }).timeout(60_000);

  it('in one part under the name of the newer one is noticed, whichever it is', async () => {
    await fc.assert(
      fc.asyncProperty(acts, async (list) => {
        const b = await bench();
        const generations = await history(b, list);
        const last = generations.at(-1);
        assert.ok(last);
        for (const { stored, values } of generations.slice(0, -1)) {
          const changed = await benchOf(b, [last.stored]);
          const [name = ''] = partNames(changed.store);
          const [older = ''] = stored.parts.values();
          if (older === changed.store.parts.get(name)) continue;
          changed.store.parts.set(name, older);
          const { vault } = changed;
          for (const secret of NAMES) await refusal('vaultAltered', () => vault.open([secret]));
          for (const secret of NAMES) await refusal('vaultAltered', () => vault.set(secret, Buffer.from('new'), 'user'));
          assert.equal(changed.store.head, last.stored.head);
          const missing = Math.max(0, last.values.size - values.size);
          assert.deepEqual(await vault.recover('user'), { kept: values.size, unreadable: [], missing, previous: false });
          assert.deepEqual(await valuesOf(changed.another()), values);
        }
      }),
      { numRuns: 40 },
    );
  }).timeout(60_000);

  it('from before a lock does not unlock', async () => {
    const b = await bench({ A: 'value' });
    const before = storedOf(b);
    await b.vault.lock('user', 'panic');
    putBack(b, before);
    await refusal('vaultOlder', () => b.another().open(['A']));
  });

  it('from before the key was replaced is of no use, and is not overwritten', async () => {
    const b = await bench({ A: 'value' });
    const before = storedOf(b);
    await b.vault.rotateKey('user');
    const after = storedOf(b);
    putBack(b, before);
    const vault = b.another();
    assert.equal(await vault.state(), 'keyLost');
    await refusal('keyLost', () => vault.open(['A']));
    await refusal('keyLost', () => vault.set('A', Buffer.from('new'), 'user'));
    assert.equal(b.store.head, before.head);
    putBack(b, after);
    assert.equal(await valueOf(vault, 'A'), 'value');
  });

  it('with another number is noticed as well', async () => {
    const b = await bench({ A: 'old' });
    const before = storedOf(b);
    await b.vault.set('A', Buffer.from('new'), 'user');
    const head = parseHead(before.head);
    putBack(b, { head: JSON.stringify({ ...head, generation: Number.MAX_SAFE_INTEGER }), parts: before.parts });
    const vault = b.another();
    await refusal('vaultAltered', () => vault.open(['A']));
    await vault.recover('user');
    assert.equal(await valueOf(vault, 'A'), 'old');
    await vault.set('A', Buffer.from('newer'), 'user');
    assert.equal(await valueOf(b.another(), 'A'), 'newer');
  });
});
