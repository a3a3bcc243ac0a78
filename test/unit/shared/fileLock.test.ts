import assert from 'node:assert/strict';
import fs, { existsSync, mkdirSync, rmdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import timers from 'node:timers/promises';
import { withFileLock } from '../../../src/shared/fileLock';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';

const HOUR = 3_600_000;
/** How often an owner that lives renews its lock, in ms. */
const RENEWAL_MS = 2_500;
/** How much time goes by while somebody waits for a lock and looks again: time stands still in between, however slow the machine is. */
const STEP_MS = 100;

describe('the lock of a file', () => {
  const folder = temporaryFolder();
  let count = 0;
  let path = '';
  let lock = '';
  /** By how much the time of day was set. */
  let wrongBy = 0;
  /** ms that have gone by. */
  let passed = 0;
  /** What happens as time goes by. */
  let onStep: () => void = () => undefined;
  let day = 0;

  beforeEach(() => {
    count += 1;
    path = join(folder(), `file ${String(count)}`);
    lock = `${path}.lock`;
    wrongBy = passed = 0;
    onStep = () => undefined;
    day = Date.now();
    const steady = performance.now();
    mock.method(Date, 'now', () => day + passed + wrongBy);
    mock.method(performance, 'now', () => steady + passed);
    mock.method(timers, 'setTimeout', async () => {
      passed += STEP_MS;
      onStep();
      await timers.setImmediate();
    });
  });
  afterEach(() => {
    mock.restoreAll();
    if (existsSync(lock)) rmdirSync(lock);
  });

  /** The lock is of this time. @param aheadMs how far that is ahead. */
  const stamp = (aheadMs: number): void => utimesSync(lock, (Date.now() + aheadMs) / 1000, (Date.now() + aheadMs) / 1000);
  /** A lock as its owner has left it. */
  const left = (aheadMs: number): void => {
    mkdirSync(lock);
    stamp(aheadMs);
  };
  /** A lock whose owner lives: it renews it as often as the real one does. @param aheadMs how far its clock is ahead. */
  const held = (aheadMs = 0): void => {
    left(aheadMs);
    onStep = () => {
      if (passed % RENEWAL_MS === 0 && existsSync(lock)) stamp(aheadMs);
    };
  };
  /** Something happens once, after so long. */
  const after = (ms: number, act: () => void): void => {
    const before = onStep;
    onStep = () => {
      before();
      if (passed === ms) act();
    };
  };
  const take = (): Promise<string> => withFileLock(path, () => 'taken');

  it('that was left is taken over when it has stood still for long enough', async () => {
    left(0);
    assert.equal(await take(), 'taken');
    assert.ok(passed > 4_900 && passed < 6_000, String(passed));
  });

  for (const aheadMs of [9_000, HOUR, 300 * 24 * HOUR]) {
    it(`that was left before the clock went back by ${String(aheadMs / 1000)} s is taken over`, async () => {
      left(aheadMs);
      assert.equal(await take(), 'taken');
      assert.ok(passed > 9_900, 'not before an owner who lives would have renewed it');
      assert.ok(!existsSync(lock));
    });
  }

  it('stays with an owner who lives, though its clock is ahead', async () => {
    held(HOUR);
    const { ino } = statSync(lock);
    await refusal('storeBusy', take);
    assert.equal(statSync(lock).ino, ino);
    assert.ok(statSync(lock).mtimeMs > Date.now() + HOUR / 2, 'and nobody else has touched it');
  });

  it('stays with an owner who lives when the clock goes back', async () => {
    let done = (): void => undefined;
    let begin = (): void => undefined;
    let confirmed = false;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const owner = withFileLock(path, async (taken) => {
      const end = new Promise<void>((resolve) => (done = resolve));
      begin();
      await end;
      taken.confirm();
      confirmed = true;
    });
    await begun;
    after(500, () => (wrongBy = -HOUR));
    after(4_000, () => {
      done();
    });
    assert.equal(await take(), 'taken');
    await owner;
    assert.ok(confirmed);
  });

  it('that cannot be looked at for a moment is given back: it would be renewed as long as this process lives', async () => {
    // As on a network drive.
    const blind = (): void => {
      const look = mock.method(fs, 'statSync', () => {
        look.mock.restore();
        throw Object.assign(new Error('EIO'), { code: 'EIO' });
      });
    };
    await withFileLock(path, blind);
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
    assert.equal(await take(), 'taken');
    assert.equal(look.mock.callCount(), 1);
  });

  it('is not waited for where its folder is gone', async () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const files = require('graceful-fs') as typeof fs;
    path = join(folder(), 'gone', 'file');
    mock.method(files, 'mkdir', ((made: string, done: (error: Error | null) => void) => {
      rmdirSync(join(folder(), 'gone'));
      mock.restoreAll();
      files.mkdir(made, done);
    }) as typeof fs.mkdir);
    const started = passed;
    await refusal('storeFailed', take);
    assert.equal(passed, started);
  });

  it('is waited for as long as ever when the clock goes back', async () => {
    held();
    after(1_000, () => (wrongBy = -HOUR));
    await refusal('storeBusy', take);
    assert.ok(passed > 20_000 && passed < 21_000, String(passed));
  });

  it('is waited for as long as ever when the clock goes on', async () => {
    held();
    // In steps, for a lock that is suddenly older than 5 s is rightly taken for one that was left.
    for (let step = 1; step <= 6; step += 1)
      after(step * 200, () => {
        wrongBy += 4_000;
        stamp(0);
      });
    after(2_000, () => {
      rmdirSync(lock);
    });
    assert.equal(await take(), 'taken');
    assert.ok(passed >= 2_000 && passed < 3_000, String(passed));
  });
});
