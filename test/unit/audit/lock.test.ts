import assert from 'node:assert/strict';
import fs, { existsSync, mkdirSync, rmdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import timers from 'node:timers/promises';
import { underLock, underLockSync } from '../../../src/audit/lock';
import { FutureLock } from '../../../src/shared/lockFolder';
import { temporaryFolder } from '../support/folders';
import { takeAway } from './takeAway';

const HOUR = 3_600_000;

describe('the lock of the audit trail', () => {
  const folder = temporaryFolder();
  let count = 0;
  let path = '';
  let lock = '';
  /** By how much somebody has set the time. */
  let wrongBy = 0;
  /** ms that have gone by, when the clocks do not go on by themselves. */
  let stepped: number | undefined;

  beforeEach(() => {
    count += 1;
    path = join(folder(), `trail ${String(count)}.jsonl`);
    lock = `${path}.lock`;
    wrongBy = 0;
    stepped = undefined;
    const [day, steady] = [Date.now(), performance.now()];
    const real = performance.now.bind(performance);
    const passed = (): number => stepped ?? real() - steady;
    mock.method(Date, 'now', () => day + passed() + wrongBy);
    mock.method(performance, 'now', () => steady + passed());
  });
  afterEach(() => {
    mock.restoreAll();
    if (existsSync(lock)) rmdirSync(lock);
  });

  const stamp = (aheadMs = 0): void => utimesSync(lock, (Date.now() + aheadMs) / 1000, (Date.now() + aheadMs) / 1000);
  /** A lock as another process has it. */
  const taken = (aheadMs = 0): void => {
    mkdirSync(lock);
    stamp(aheadMs);
  };

  it('is given back', async () => {
    const isTaken = (): boolean => existsSync(lock);
    assert.equal(await underLock(path, isTaken), true);
    assert.equal(isTaken(), false);
    assert.equal(underLockSync(path, 0, isTaken), true);
    assert.equal(isTaken(), false);
  });

  it('that another process has taken away is not there any more for who asks, and not given back for it', async () => {
    let tries = 0;
    let changes = 0;
    const result = await underLock(path, (confirm) => {
      tries += 1;
      confirm();
      if (tries === 1) {
        const giveBack = takeAway(path);
        setTimeout(giveBack, 100);
      }
      confirm();
      changes += 1;
      return 'done';
    });
    assert.deepEqual([result, tries, changes], ['done', 2, 1]);
    assert.ok(!existsSync(lock));
  });

  it('that another process has taken away stays with it, also when nobody asks', async () => {
    const giveBack = await underLock(path, () => takeAway(path));
    assert.ok(existsSync(lock));
    giveBack();
    const giveBackAgain = underLockSync(path, 0, () => takeAway(path));
    assert.ok(existsSync(lock));
    giveBackAgain();
  });

  it('that another process has taken away and keeps is said to be taken', () => {
    const act = (confirm: () => void): void => {
      takeAway(path);
      confirm();
    };
    assert.throws(() => {
      underLockSync(path, 50, act);
    }, /the lock of .*trail \d+\.jsonl (was taken away|is taken)/);
    assert.ok(existsSync(lock));
  });

  it('that cannot be looked at for a moment is given back: it would be renewed as long as this process lives', async () => {
    // As on a network drive.
    const blind = (): void => {
      const look = mock.method(fs, 'statSync', () => {
        look.mock.restore();
        throw Object.assign(new Error('EIO'), { code: 'EIO' });
      });
    };
    await underLock(path, blind);
    assert.ok(!existsSync(lock));
    underLockSync(path, 0, blind);
    assert.ok(!existsSync(lock));
  });

  it('is waited for when another process takes it away in the moment in which it was made', async () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const files = require('graceful-fs') as typeof fs;
    const look = mock.method(files, 'stat', ((...args: Parameters<typeof fs.stat>) => {
      rmdirSync(lock);
      look.mock.restore();
      files.stat(...args);
    }) as typeof fs.stat);
    assert.equal(await underLock(path, () => 'taken'), 'taken');
    assert.equal(look.mock.callCount(), 1);
  });

  it('is tried for as long as ever when the time is set back', () => {
    taken(60_000);
    const start = performance.now();
    const { ino } = statSync(lock);
    // With the first look at the time, whoever looks.
    mock.method(Atomics, 'wait', () => (wrongBy = -60_000));
    assert.throws(
      () => {
        underLockSync(path, 200, () => undefined);
      },
      { code: 'ELOCKED' },
    );
    const passed = performance.now() - start;
    assert.ok(passed >= 200 && passed < 15_000, String(passed));
    assert.equal(statSync(lock).ino, ino);
  });

  it('is tried for as long as ever when the time is set ahead', async () => {
    taken();
    let done = false;
    const waiting = underLock(path, () => (done = true));
    // In steps, for a lock that is suddenly older than 5 s is rightly taken for one that was left.
    for (let step = 0; step < 16; step += 1) {
      await timers.setTimeout(20);
      stamp(1_500);
      wrongBy += 1_500;
    }
    await timers.setTimeout(50);
    assert.equal(done, false);
    rmdirSync(lock);
    assert.equal(await waiting, true);
  });

  it('that was left before the time was set back is taken over, though by its time it is never old', async () => {
    // Time goes by only while who waits pauses, however slow the machine is.
    let passed = (stepped = 0);
    mock.method(timers, 'setTimeout', async () => {
      stepped = passed += 100;
      await timers.setImmediate();
    });
    taken(HOUR);
    const start = performance.now();
    assert.equal(await underLock(path, () => 'done'), 'done');
    assert.ok(performance.now() - start > 5_000, 'not before an owner who lives would have renewed it');
    assert.ok(!existsSync(lock));
  });

  describe('of the future', () => {
    const aheadMs = (): number => statSync(lock).mtimeMs - Date.now();
    const HALF = HOUR / 2;

    it('gets the time of now when it has stayed as it is for long enough', () => {
      // Now stays now, however slow the machine is.
      stepped = 0;
      taken(HOUR);
      const future = new FutureLock(lock, 5_000);
      for (const steady of [0, 3_000, 4_999]) future.look(steady);
      assert.ok(aheadMs() > HALF);
      future.look(5_000);
      assert.ok(Math.abs(aheadMs()) < 2_000);
    });

    it('stays as it is while its owner renews it, or another one takes its place', () => {
      taken(HOUR);
      const future = new FutureLock(lock, 5_000);
      for (let steady = 0; steady < 60_000; steady += 3_000) {
        if (steady % 2 === 0) stamp(HOUR + steady);
        else takeAway(path);
        stamp(HOUR + steady);
        future.look(steady);
        assert.ok(aheadMs() > HALF, String(steady));
      }
    });

    it('is only one that is far ahead', () => {
      taken(8_000);
      const { mtimeMs } = statSync(lock);
      const future = new FutureLock(lock, 5_000);
      for (const steady of [0, 6_000, 12_000]) future.look(steady);
      assert.equal(statSync(lock).mtimeMs, mtimeMs);
      rmdirSync(lock);
      assert.doesNotThrow(() => {
        future.look(18_000);
      });
    });
  });
});
