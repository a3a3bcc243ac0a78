import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Vault } from '../../../src/vault/vault';
import { refusal } from '../support/errors';
import { bench, valueOf } from '../support/vaults';

const NAMES = ['A', 'B', 'C', 'D', 'E'] as const;
const OPERATIONS = 1000;

interface Operation {
  readonly kind: 'set' | 'open' | 'delete' | 'rollback' | 'destroyVersions' | 'schedule' | 'count' | 'rotate';
  readonly name: (typeof NAMES)[number];
  readonly number: number;
}

const anyOperation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom('set' as const, 'open' as const, 'rollback' as const) },
    { weight: 25, arbitrary: fc.constantFrom('delete' as const, 'destroyVersions' as const, 'schedule' as const) },
    { weight: 14, arbitrary: fc.constant('count' as const) },
    { weight: 1, arbitrary: fc.constant('rotate' as const) },
  ),
  name: fc.constantFrom(...NAMES),
  number: fc.nat(1e6),
});

/** Works on a scope of its own and on one secret that is shared, and compares what it sees with what it has done. */
class Window {
  readonly #vault: Vault;
  readonly #scope: string;
  /** The values of the versions that are kept, oldest first. */
  readonly #known = new Map<string, string[]>();
  readonly counted: number[] = [];

  constructor(vault: Vault, scope: string) {
    this.#vault = vault;
    this.#scope = scope;
  }

  async run({ kind, name, number }: Operation): Promise<void> {
    const values = this.#known.get(name);
    const [vault, scope] = [this.#vault, this.#scope];
    if (kind === 'count') {
      this.counted.push((await vault.set('SHARED', Buffer.from(String(number)), 'user')).version);
    } else if (kind === 'rotate') {
      await vault.rotateKey('user');
    } else if (kind === 'set') {
      await vault.set(name, Buffer.from(`${scope} ${String(number)}`), 'user', scope);
      this.#known.set(name, [...(values ?? []), `${scope} ${String(number)}`].slice(-10));
    } else if (values === undefined) {
      await refusal('secretMissing', () => (kind === 'open' ? vault.open([name], scope) : vault.delete(name, 'user', scope)));
    } else if (kind === 'open') {
      assert.equal(await valueOf(vault, name, scope), values.at(-1));
      assert.equal(vault.versions(name, scope).length, values.length);
    } else if (kind === 'delete') {
      await vault.delete(name, 'user', scope);
      this.#known.delete(name);
    } else if (kind === 'destroyVersions') {
      assert.equal((await vault.destroyVersions(name, 'user', scope)).length, values.length - 1);
      this.#known.set(name, values.slice(-1));
    } else if (kind === 'schedule') {
      assert.equal((await vault.schedule(name, 'user', scope, { rotateEveryMs: number + 1 })).rotateEveryMs, number + 1);
    } else if (values.length < 2) {
      await refusal('nothingToRollBack', () => vault.rollback(name, 'user', scope));
    } else {
      await vault.rollback(name, 'user', scope);
      this.#known.set(name, [...values, values.at(-2) ?? ''].slice(-10));
    }
  }

  /** Whether a vault holds what this window has left there, and nothing else. */
  async compare(vault: Vault): Promise<void> {
    const own = vault.list().filter(({ scope }) => scope === this.#scope);
    assert.deepEqual(
      own.map(({ name }) => name),
      [...this.#known.keys()].sort(),
    );
    for (const [name, values] of this.#known) assert.equal(await valueOf(vault, name, this.#scope), values.at(-1));
  }
}

describe('two windows that work on one vault at once', () => {
  it(`lose nothing in ${String(OPERATIONS)} operations each`, async () => {
    const list = fc.array(anyOperation, { minLength: OPERATIONS, maxLength: OPERATIONS, size: 'max' });
    await fc.assert(
      fc.asyncProperty(list, list, async (...lists) => {
        const b = await bench({ FIRST: 'first' });
        const windows = [new Window(b.vault, 'one'), new Window(b.another(), 'two')];
        await Promise.all(
          windows.map(async (window, i) => {
            for (const operation of lists[i] ?? []) await window.run(operation);
          }),
        );
        for (const vault of [b.vault, b.another()]) {
          for (const window of windows) await window.compare(vault);
          assert.equal(await valueOf(vault, 'FIRST'), 'first');
        }
        const counted = windows.flatMap((window) => window.counted).sort((one, other) => one - other);
        assert.deepEqual(
          counted,
          counted.map((_, i) => i + 1),
        );
        assert.deepEqual(await b.another().check(), []);
        assert.equal(b.keys.keys.size, 1);
      }),
      { numRuns: 2, endOnFailure: true },
    );
  }).timeout(120_000);
});
