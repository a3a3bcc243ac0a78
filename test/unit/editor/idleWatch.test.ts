import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { IdleWatch } from '../../../src/editor/idleWatch';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('the watch for what is not used', () => {
  const clock = { wall: 0, ongoing: 0, now: () => clock.wall, steady: () => clock.ongoing };
  let idle = 0;
  let watch: IdleWatch;
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    clock.wall = Date.UTC(2026, 0);
    clock.ongoing = 5_000.25;
    idle = 0;
    watch = new IdleWatch(clock, () => {
      idle += 1;
    });
  });
  afterEach(() => {
    watch.dispose();
    mock.timers.reset();
  });

  /** Time goes by, in steps in which timers can fire. */
  function pass(ms: number): void {
    for (let left = ms; left > 0; left -= 500) {
      const step = Math.min(left, 500);
      clock.wall += step;
      clock.ongoing += step;
      mock.timers.tick(step);
    }
  }

  /** The machine sleeps: timers and the clock for spans stand still. */
  function sleep(ms: number): void {
    clock.wall += ms;
  }

  it('speaks when the limit is reached and not before, once', () => {
    watch.start(15 * MINUTE_MS);
    pass(15 * MINUTE_MS - 1);
    assert.equal(idle, 0);
    pass(1);
    assert.equal(idle, 1);
    pass(HOUR_MS);
    assert.equal(idle, 1);
  });

  it('speaks in time where the limit is shorter than the time between two looks', () => {
    watch.start(9_000);
    pass(8_999);
    assert.equal(idle, 0);
    pass(1);
    assert.equal(idle, 1);
  });

  it('begins anew with each use, also with one after it has spoken', () => {
    watch.start(15_000);
    for (let i = 0; i < 10; i += 1) {
      pass(14_000);
      watch.used();
    }
    assert.equal(idle, 0);
    pass(15_000);
    assert.equal(idle, 1);
    watch.used();
    pass(14_999);
    assert.equal(idle, 1);
    pass(1);
    assert.equal(idle, 2);
  });

  it('counts the time that the machine sleeps', () => {
    watch.start(15 * MINUTE_MS);
    pass(2 * MINUTE_MS);
    sleep(10 * HOUR_MS);
    pass(10_000);
    assert.equal(idle, 1);
  });

  it('takes no use right after waking for one in time', () => {
    watch.start(15 * MINUTE_MS);
    pass(2 * MINUTE_MS);
    sleep(10 * HOUR_MS);
    watch.used();
    watch.used();
    assert.equal(idle, 0, 'not from within the use');
    pass(1);
    assert.equal(idle, 1);
  });

  it('starts anew, whatever was before', () => {
    watch.start(15 * MINUTE_MS);
    sleep(10 * HOUR_MS);
    watch.start(15 * MINUTE_MS);
    pass(15 * MINUTE_MS - 1);
    assert.equal(idle, 0);
    pass(1);
    assert.equal(idle, 1);
  });

  it('does not wait longer when the clock is set back', () => {
    watch.start(15 * MINUTE_MS);
    pass(MINUTE_MS);
    clock.wall -= 5 * HOUR_MS;
    pass(14 * MINUTE_MS - 1);
    assert.equal(idle, 0);
    pass(1);
    assert.equal(idle, 1);
  });

  it('waits for nothing without a limit, or when it is disposed', () => {
    for (const limit of [0, -1, NaN]) {
      watch.start(limit);
      watch.used();
      pass(HOUR_MS);
    }
    watch.start(MINUTE_MS);
    watch.start(0);
    pass(HOUR_MS);
    watch.start(MINUTE_MS);
    watch.dispose();
    pass(HOUR_MS);
    assert.equal(idle, 0);
  });
});
