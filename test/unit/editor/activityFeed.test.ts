import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { ActivityFeed } from '../../../src/editor/activityFeed';
import { NO_FILTER } from '../../../src/editor/activityFilter';
import type { ActivityFilter } from '../../../src/editor/activityFilter';
import { temporaryFolder } from '../support/folders';
import { FixedClock } from '../support/memory';
import { entry, openLog, writeTrail } from '../support/trails';

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => `s${String(from + i)}`);
const only = (...servers: string[]): ActivityFilter => ({ ...NO_FILTER, servers });

describe('what Activity shows', () => {
  const folder = temporaryFolder();
  const now = new FixedClock().now();
  let count = 0;
  let path = '';

  beforeEach(() => {
    count += 1;
    path = join(folder(), String(count), 'audit.jsonl');
  });

  async function shown(feed: ActivityFeed, filter: ActivityFilter, limit: number): Promise<{ servers: unknown[]; hasMore: boolean }> {
    const { entries, hasMore } = await feed.read(filter, limit, now);
    return { servers: entries.map(({ server }) => server), hasMore };
  }

  it('is nothing where there is no trail', async () => {
    assert.deepEqual(await shown(new ActivityFeed(openLog(path)), NO_FILTER, 10), { servers: [], hasMore: false });
  });

  it('begins with what is not written yet, and says whether there is more', async () => {
    await writeTrail(path, [numbers(1, 5)]);
    const log = openLog(path);
    const feed = new ActivityFeed(log);
    log.record(entry('s6'));
    assert.deepEqual(await shown(feed, NO_FILTER, 3), { servers: ['s6', 's5', 's4'], hasMore: true });
    assert.deepEqual(await shown(feed, NO_FILTER, 6), { servers: ['s6', 's5', 's4', 's3', 's2', 's1'], hasMore: false });
    await log.close();
    assert.deepEqual(await shown(feed, NO_FILTER, 3), { servers: ['s6', 's5', 's4'], hasMore: true }, 'written, it is not there twice');
  });

  it('finds what is far back in a long trail', async () => {
    await writeTrail(path, [['needle'], numbers(1, 1_500), ['needle'], numbers(1, 700)]);
    const feed = new ActivityFeed(openLog(path));
    assert.deepEqual(await shown(feed, only('needle'), 10), { servers: ['needle', 'needle'], hasMore: false });
    assert.deepEqual(await shown(feed, only('needle'), 1), { servers: ['needle'], hasMore: true });
    const { entries } = await feed.read(only('needle'), 10, now);
    assert.deepEqual(
      entries.map(({ seq }) => seq),
      [1_502, 1],
    );
  });

  it('goes on with what other processes write, a little or more than is at hand', async () => {
    await writeTrail(path, [['needle'], numbers(1, 600)]);
    const feed = new ActivityFeed(openLog(path));
    assert.deepEqual((await shown(feed, only('needle', 's9'), 10)).servers, ['s9', 'needle']);
    await writeTrail(path, [['needle', 'other']]);
    assert.deepEqual((await shown(feed, only('needle', 's9'), 10)).servers, ['needle', 's9', 'needle']);
    await writeTrail(path, [['needle'], numbers(1, 800)]);
    assert.deepEqual((await shown(feed, only('needle', 's9'), 10)).servers, ['s9', 'needle', 'needle', 's9', 'needle']);
  });

  it('is what is there, also after somebody has cut the trail off', async () => {
    await writeTrail(path, [numbers(1, 5)]);
    const feed = new ActivityFeed(openLog(path));
    await shown(feed, NO_FILTER, 10);
    truncateSync(path, 0);
    assert.deepEqual(await shown(feed, NO_FILTER, 10), { servers: [], hasMore: false });
  });
});
