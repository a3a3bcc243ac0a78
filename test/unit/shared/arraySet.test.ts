import assert from 'node:assert/strict';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { ArraySet } from '../../../src/shared/arraySet';

setFlagsFromString('--expose-gc');
const collectAll = runInNewContext('gc') as () => void;

/** What has grown old in memory, in bytes. */
function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')?.space_used_size ?? NaN;
}

interface Churned {
  add(item: object): unknown;
  delete(item: object): boolean;
}

/** Lets things of about 1 KB come and go, 32 at a time, after a full collection. Returns by how much what is old has grown at most, in bytes. */
function churn(set: Churned, times: number): number {
  const present: object[] = [];
  const come = (): void => {
    const item = { load: new Array(128).fill(0) as number[] };
    set.add(item);
    present.push(item);
    if (present.length > 32) assert.ok(set.delete(present.shift() ?? item));
  };
  for (let i = 0; i < 1_000; i += 1) come();
  collectAll();
  const before = oldBytes();
  let most = before;
  for (let i = 0; i < times; i += 1) {
    come();
    if (i % 1_000 === 0) most = Math.max(most, oldBytes());
  }
  return most - before;
}

describe('an array set', () => {
  it('holds what a set would, in the same order', () => {
    const act = fc.record({ add: fc.boolean(), item: fc.integer({ min: 0, max: 20 }) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const [set, model] = [new ArraySet<number>(), new Set<number>()];
        for (const { add, item } of acts) {
          if (!add) assert.equal(set.delete(item), model.delete(item));
          else if (!model.has(item)) {
            set.add(item);
            model.add(item);
          }
          assert.equal(set.size, model.size);
          assert.deepEqual([...set], [...model]);
        }
      }),
    );
  });

  it('finds the first that is wanted', () => {
    const set = new ArraySet<{ readonly id: number }>();
    const [one, two, three] = [{ id: 1 }, { id: 2 }, { id: 2 }];
    for (const item of [one, two, three]) set.add(item);
    assert.equal(
      set.find(({ id }) => id === 2),
      two,
    );
    assert.equal(
      set.find(({ id }) => id === 3),
      undefined,
    );
  });

  it('goes through those that are still in it, whatever is taken out and added meanwhile', () => {
    const set = new ArraySet<string>();
    for (const item of ['a', 'b', 'c', 'd']) set.add(item);
    const seen: string[] = [];
    for (const item of set) {
      seen.push(item);
      if (item === 'a') {
        set.delete('a');
        set.delete('c');
        set.add('e');
      }
    }
    assert.deepEqual(seen, ['a', 'b', 'd']);
    assert.deepEqual([...set], ['b', 'd', 'e']);
  });

  it('lets go of what is gone before the next full collection, which a Set does not', () => {
    const times = 100_000;
    const [kept, held] = [churn(new ArraySet<object>(), times), churn(new Set(), times)];
    assert.ok(kept < 2_000_000, `${String(kept)} bytes grew old`);
    // If this fails, V8 has learned it, and `Set` will do.
    assert.ok(held > 8_000_000, `of a Set, ${String(held)} bytes`);
  });
});
