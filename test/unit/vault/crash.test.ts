import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { parseHead } from '../../../src/vault/head';
import type { SecretSnapshot } from '../../../src/vault/secret';
import type { Vault } from '../../../src/vault/vault';
import { Crash } from '../support/memory';
import { outcomeOf, refusal } from '../support/errors';
import { bench, valueOf } from '../support/vaults';
import type { Bench } from '../support/vaults';

/** What a vault holds: the values of the versions of each secret, oldest first, and whether it is locked. */
interface Model {
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  readonly isLocked: boolean;
}

interface Act {
  readonly kind: 'set' | 'delete' | 'rollback' | 'destroyVersions' | 'rotate' | 'restore' | 'lock' | 'unlock';
  readonly name: string;
  readonly value: string;
}

function snapshotOf(name: string, value: string): SecretSnapshot {
  return { scope: 'workspace', name, createdAt: 5, versions: [{ version: 1, createdAt: 5, value: Buffer.from(value) }] };
}

/** What an act makes of a vault that it succeeds in. */
function after({ secrets, isLocked }: Model, { kind, name, value }: Act): Model {
  const old = secrets.get(name) ?? [];
  const put = (values: readonly string[]): Model => ({ isLocked, secrets: new Map([...secrets, [name, values]]) });
  switch (kind) {
    case 'set':
      return put([...old, value]);
    case 'restore':
      return put(old.at(-1) === value ? old : [...old, value]);
    case 'rollback':
      return put([...old, old.at(-2) ?? '']);
    case 'destroyVersions':
      return put(old.slice(-1));
    case 'delete':
      return { isLocked, secrets: new Map([...secrets].filter(([other]) => other !== name)) };
    case 'lock':
      return { secrets, isLocked: true };
    case 'unlock':
      return { secrets, isLocked: false };
    case 'rotate':
      return { secrets, isLocked };
  }
}

/** Whether an act succeeds. The others are not tried. */
function isPossible({ secrets, isLocked }: Model, { kind, name }: Act): boolean {
  if (kind === 'lock' || kind === 'unlock') return true;
  if (isLocked) return false;
  const versions = secrets.get(name)?.length ?? 0;
  return versions >= { set: 0, restore: 0, rotate: 0, delete: 1, destroyVersions: 1, rollback: 2 }[kind];
}

function run(vault: Vault, { kind, name, value }: Act): Promise<unknown> {
  switch (kind) {
    case 'set':
      return vault.set(name, Buffer.from(value), 'user');
    case 'restore':
      return vault.restore([snapshotOf(name, value)], 'user');
    case 'rollback':
      return vault.rollback(name, 'user');
    case 'destroyVersions':
      return vault.destroyVersions(name, 'user');
    case 'delete':
      return vault.delete(name, 'user');
    case 'lock':
      return vault.lock('user');
    case 'unlock':
      return vault.unlock('user');
    case 'rotate':
      return vault.rotateKey('user');
  }
}

/** What a vault holds, seen with new eyes. Every value of it opens. */
async function seen(b: Bench): Promise<Model> {
  const locked = b.another().lockState() === 'locked';
  if (locked) await b.another().unlock('user');
  const vault = b.another();
  assert.deepEqual(await vault.check(), []);
  const snapshot = await vault.snapshot();
  for (const { name, versions } of snapshot) assert.equal(await valueOf(vault, name), versions.at(-1)?.value.toString());
  const secrets = new Map(snapshot.map(({ name, versions }) => [name, versions.map(({ value }) => value.toString())]));
  if (locked) await b.another().lock('user');
  return { secrets, isLocked: locked };
}

const asText = ({ secrets, isLocked }: Model): string => JSON.stringify([isLocked, [...secrets].sort(([a], [b]) => (a < b ? -1 : 1))]);

/** How many keys of the vault there are. One that was made for a vault that never came to be seals nothing. */
function keysOf({ store, keys }: Bench): number {
  const vaultId = parseHead(store.head ?? '')?.vaultId ?? '';
  return [...keys.keys.keys()].filter((id) => id.startsWith(`${vaultId}/`)).length;
}

const EMPTY: Model = { secrets: new Map(), isLocked: false };

/** The acts of a list that are possible, one after the other. */
function possible(acts: readonly Act[]): Act[] {
  let model = EMPTY;
  return acts.filter((act) => {
    if (!isPossible(model, act)) return false;
    model = after(model, act);
    return true;
  });
}

/**
 * Lets the process die before its n-th write and looks at what a new one finds: all acts that came back, and the one that
 * did not as a whole or not at all. @returns false if there are not that many writes.
 */
async function dieAt(acts: readonly Act[], writes: number): Promise<boolean> {
  const b = await bench();
  b.fuse.left = writes;
  let model = EMPTY;
  let cut: Act | undefined;
  for (const act of acts) {
    b.clock.time += 1;
    const error = await outcomeOf(() => run(b.vault, act));
    if (error === undefined) model = after(model, act);
    else {
      assert.ok(error instanceof Crash, inspect(error));
      cut = act;
      break;
    }
  }
  b.fuse.left = Infinity;
  const found = asText(await seen(b));
  const allowed = [model, ...(cut === undefined ? [] : [after(model, cut)])].map(asText);
  assert.ok(allowed.includes(found), `${found} is none of ${allowed.join(' and ')} (${JSON.stringify(acts)}, ${String(writes)})`);

  const vault = b.another();
  await vault.unlock('user');
  await vault.resume('user');
  assert.equal(vault.isRotating, false);
  await b.another().set('LAST', Buffer.from('last'), 'user');
  await b.another().rotateKey('user');
  assert.equal(keysOf(b), 1);
  const { secrets } = cut === undefined || found === asText(model) ? model : after(model, cut);
  assert.equal(asText(await seen(b)), asText({ secrets: new Map([...secrets, ['LAST', ['last']]]), isLocked: false }));
  return cut !== undefined;
}

async function dieEverywhere(acts: readonly Act[]): Promise<number> {
  for (let writes = 0; ; writes++) if (!(await dieAt(acts, writes))) return writes;
}

const act = (kind: Act['kind'], name = 'A', value = `${kind} ${name}`): Act => ({ kind, name, value });

describe('a process that dies', () => {
  const histories: readonly (readonly Act[])[] = [
    [act('set'), act('set', 'B')],
    [act('set'), act('set', 'A', 'two'), act('rollback'), act('destroyVersions'), act('delete')],
    [act('set'), act('rotate'), act('set', 'A', 'two'), act('rotate')],
    [act('restore'), act('restore', 'A', 'other'), act('restore', 'A', 'other')],
    [act('set'), act('lock'), act('unlock'), act('set', 'B'), act('lock')],
  ];
  for (const acts of histories) {
    it(`before any write of ${acts.map(({ kind }) => kind).join(', ')}`, async () => {
      assert.ok((await dieEverywhere(acts)) > acts.length);
    });
  }

  it('before any write of anything', async () => {
    const kinds = ['set', 'set', 'set', 'delete', 'rollback', 'destroyVersions', 'rotate', 'restore', 'lock', 'unlock'] as const;
    const anyAct = fc.record({
      kind: fc.constantFrom(...kinds),
      name: fc.constantFrom('A', 'B', 'C'),
      value: fc.stringMatching(/^[a-z]{1,8}$/),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyAct, { minLength: 1, maxLength: 8 }).map((acts) => possible([act('set'), ...acts])),
        async (acts) => {
          await dieEverywhere(acts);
        },
      ),
      { numRuns: 25 },
    );
  }).timeout(120_000);

  it('while the key of many secrets is being replaced leaves them all, and the next one goes on', async () => {
    const names = Array.from({ length: 520 }, (_, i) => `K${String(i)}`);
    const snapshots = (): SecretSnapshot[] => names.map((name) => snapshotOf(name, `the value of ${name}`));
    for (let writes = 0, dead = true; dead; writes++) {
      const b = await bench();
      await b.vault.restore(snapshots(), 'user');
      b.fuse.left = writes;
      const error = await outcomeOf(() => b.vault.rotateKey('user'));
      dead = error instanceof Crash;
      assert.ok(dead || error === undefined, inspect(error));
      b.fuse.left = Infinity;
      const vault = b.another();
      for (const name of ['K0', 'K99', 'K519']) assert.equal(await valueOf(vault, name), `the value of ${name}`);
      const began = vault.isRotating;
      assert.equal(await vault.resume('user'), began);
      assert.deepEqual(await vault.check(), []);
      assert.equal(vault.size, 520);
      if (began || !dead) assert.equal(keysOf(b), 1);
    }
  }).timeout(120_000);
});

describe('a store that fails', () => {
  it('before a write changes nothing, and what is tried again succeeds', async () => {
    for (const failed of [
      act('set', 'A', 'new'),
      act('rollback'),
      act('destroyVersions'),
      act('delete'),
      act('rotate'),
      act('restore', 'A', 'new'),
    ]) {
      const b = await bench();
      for (const value of ['one', 'two']) await b.vault.set('A', Buffer.from(value), 'user');
      const before = await seen(b);
      const entries = b.audit.entries.length;
      b.store.failing = true;
      await refusal('storeFailed', () => run(b.vault, failed));
      b.store.failing = false;
      assert.equal(asText(await seen(b)), asText(before));
      assert.equal(b.audit.entries.length, entries);
      await run(b.vault, failed);
      assert.equal(asText(await seen(b)), asText(after(before, failed)));
    }
  });

  it('after a write leaves a vault that goes on in the same window', async () => {
    const acts = possible([
      act('set'),
      act('set', 'A', 'two'),
      act('rollback'),
      act('rotate'),
      act('restore', 'B'),
      act('delete'),
      act('set', 'C'),
    ]);
    for (let writes = 0; writes < 40; writes++) {
      const b = await bench();
      b.fuse.left = writes;
      let model = EMPTY;
      for (const each of acts) {
        if (!isPossible(model, each)) continue;
        const error = await outcomeOf(() => run(b.vault, each));
        if (error !== undefined) b.fuse.left = Infinity;
        // In the same window, which knows nothing of what became of it.
        const found = await seen(b);
        const allowed = error === undefined ? [after(model, each)] : [model, after(model, each)];
        assert.ok(allowed.map(asText).includes(asText(found)), JSON.stringify([writes, each]));
        model = found;
        for (const [name, values] of model.secrets) assert.equal(await valueOf(b.vault, name), values.at(-1));
      }
      await b.vault.resume('user');
      await b.vault.rotateKey('user');
      assert.equal(keysOf(b), 1);
    }
  });
});
