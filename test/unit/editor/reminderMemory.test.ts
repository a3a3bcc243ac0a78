import assert from 'node:assert/strict';
import { maySpeakOf } from '../../../src/editor/reminderMemory';

const DAY_MS = 86_400_000;

describe('what is remembered of reminders', () => {
  const now = Date.UTC(2026, 10, 21, 12);

  it('keeps them to one a day', () => {
    assert.equal(maySpeakOf(1, undefined, now), true);
    assert.equal(maySpeakOf(1, {}, now), true);
    assert.equal(maySpeakOf(1, { remindedAt: now }, now), false);
    assert.equal(maySpeakOf(1, { remindedAt: now - DAY_MS + 1 }, now), false);
    assert.equal(maySpeakOf(1, { remindedAt: now - DAY_MS }, now), true);
  });

  it('silences one version', () => {
    assert.equal(maySpeakOf(1, { silent: 1, remindedAt: now - DAY_MS }, now), false);
    assert.equal(maySpeakOf(2, { silent: 1, remindedAt: now - DAY_MS }, now), true);
  });

  it('silences nothing when it was noted while the clock was ahead', () => {
    assert.equal(maySpeakOf(1, { remindedAt: now + 365 * DAY_MS }, now), true);
    assert.equal(maySpeakOf(1, { remindedAt: now + 365 * DAY_MS, silent: 1 }, now), false);
  });
});
