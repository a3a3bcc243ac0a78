import assert from 'node:assert/strict';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { Roster } from '../../../src/shared/roster';

setFlagsFromString('--expose-gc');
const collectAll = runInNewContext('gc') as () => void;

/** What has grown old in memory, in bytes. */
function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')?.space_used_size ?? NaN;
}

/** Takes something in. Returns the means to take it out. */
type TakeIn = (item: object) => () => void;

/** Lets things of about 1 KB come and go, 32 at a time, after a full collection. Returns by how much what is old has grown at most, in bytes. */
function churn(takeIn: TakeIn, times: number): number {
  const present: (() => void)[] = [];
  const come = (): void => {
    present.push(takeIn({ load: new Array(128).fill(0) as number[] }));
    if (present.length > 32) present.shift()?.();
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

describe('a roster', () => {
  it('has who came and did not leave, in the order of coming', () => {
    const act = fc.record({ comes: fc.boolean(), which: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const roster = new Roster<number>();
        const [model, leaves] = [new Set<number>(), [] as (() => void)[]];
        for (const { comes, which } of acts) {
          if (comes) {
            model.add(leaves.length);
            leaves.push(roster.add(leaves.length));
          } else {
            leaves[which]?.();
            if (which < leaves.length) model.delete(which);
          }
          assert.deepEqual([...roster], [...model]);
          assert.equal(roster.isEmpty, model.size === 0);
        }
      }),
    );
  });

  it('may have somebody twice, who leaves once at a time', () => {
    const roster = new Roster<string>();
    const leave = roster.add('a');
    roster.add('b');
    roster.add('a');
    leave();
    leave();
    assert.deepEqual([...roster], ['b', 'a']);
  });

  it('goes through those who are still there, whoever leaves and comes meanwhile', () => {
    const roster = new Roster<string>();
    const leaves = new Map(['a', 'b', 'c', 'd'].map((item) => [item, roster.add(item)]));
    const seen: string[] = [];
    for (const item of roster) {
      seen.push(item);
      if (item !== 'a') continue;
      for (const gone of ['a', 'c']) leaves.get(gone)?.();
      roster.add('e');
    }
    assert.deepEqual(seen, ['a', 'b', 'd']);
    assert.deepEqual([...roster], ['b', 'd', 'e']);
  });

  it('lets go of what is gone before the next full collection, which a Set does not', () => {
    const [roster, set] = [new Roster<object>(), new Set<object>()];
    const intoSet: TakeIn = (item) => {
      set.add(item);
      return () => void set.delete(item);
    };
    const kept = churn((item) => roster.add(item), 100_000);
    assert.ok(kept < 2_000_000, `${String(kept)} bytes grew old`);
    const held = churn(intoSet, 100_000);
    // If this fails, V8 has learned it, and `Set` will do.
    assert.ok(held > 8_000_000, `of a Set, ${String(held)} bytes`);
  });
});
