import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Bundles } from '../../../src/vault/bundle';
import type { OpenedSecret } from '../../../src/vault/secret';
import { refusal } from '../support/errors';
import { bench } from '../support/vaults';

const NAMES = ['A', 'B', 'C', 'D'];

const textsOf = (opened: readonly OpenedSecret[]): string[] => {
  const texts = opened.map(({ value }) => value.toString());
  for (const { value } of opened) value.fill(0);
  return texts;
};

describe('secrets that are opened together', () => {
  it('have their own values each time, in any order, whatever was set, overwritten or opened before', async () => {
    const { vault } = await bench(Object.fromEntries(NAMES.map((name) => [name, `first of ${name}`])));
    const current = new Map(NAMES.map((name) => [name, `first of ${name}`]));
    const step = fc.oneof(
      fc.record({ open: fc.shuffledSubarray(NAMES) }),
      fc.record({ set: fc.constantFrom(...NAMES), value: fc.string({ minLength: 1, maxLength: 40 }) }),
      fc.constant({ forget: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        for (const one of steps) {
          if ('open' in one)
            assert.deepEqual(
              textsOf(await vault.open(one.open)),
              one.open.map((name) => current.get(name)),
            );
          else if ('set' in one) {
            await vault.set(one.set, Buffer.from(one.value), 'user');
            current.set(one.set, one.value);
          } else vault.refresh();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('of one name in two scopes are not mixed up', async () => {
    const { vault } = await bench();
    for (const scope of ['one', 'two'])
      for (const name of ['A', 'B']) await vault.set(name, Buffer.from(`${scope} ${name}`), 'user', scope);
    for (const scope of ['one', 'two', 'one', 'two'])
      assert.deepEqual(textsOf(await vault.open(['A', 'B'], scope)), [`${scope} A`, `${scope} B`]);
  });

  it('do not open once the vault is locked, or one of them is deleted', async () => {
    const { vault } = await bench({ A: 'a', B: 'b' });
    for (let i = 0; i < 2; i += 1) assert.deepEqual(textsOf(await vault.open(['A', 'B'])), ['a', 'b']);
    await vault.lock('user');
    await refusal('locked', () => vault.open(['A', 'B']));
    await vault.unlock('user');
    assert.deepEqual(textsOf(await vault.open(['A', 'B'])), ['a', 'b']);
    await vault.delete('B', 'user');
    await refusal('secretMissing', () => vault.open(['A', 'B']));
  });

  it('are kept apart from what was given, and open under their own name only', () => {
    const bundles = new Bundles();
    const given = { name: 'A', version: 1, seal: 's', value: Buffer.from('the value') };
    bundles.keep('one', [given]);
    given.value.fill(0);
    assert.deepEqual(textsOf(bundles.open('one') ?? []), ['the value']);
    assert.equal(bundles.open('two'), undefined);
  });
});
