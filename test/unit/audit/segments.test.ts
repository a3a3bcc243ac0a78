import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readTrail } from '../../../src/audit/reader';
import { newestLines } from '../../../src/audit/recentEntries';
import { segmentPaths } from '../../../src/audit/segments';
import { verifyTrail } from '../../../src/audit/verify';
import { temporaryFolder } from '../support/folders';
import { FixedClock } from '../support/memory';
import { ended, said, start } from '../support/processes';
import { entry, FixedKeys, linesOf, openLog, writeTrail } from '../support/trails';

const DAY = 86_400_000;

describe('the parts of the audit trail', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  let count = 0;
  let path = '';
  const keys = new FixedKeys(1);

  beforeEach(() => {
    path = join(folder(), `trail ${String((count += 1))}`, 'audit.jsonl');
  });

  const servers = async (filter = {}): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const { entry: e } of readTrail(path, filter)) found.push(e.server);
    return found;
  };

  it('are put aside when they are full, named by their first entry, and read as one', async () => {
    const batches = Array.from({ length: 20 }, (_, i) => [`${String(i)}a`, `${String(i)}b`]);
    await writeTrail(path, batches, { keys, maxBytes: () => 2_000 });
    const parts = segmentPaths(path);
    assert.ok(parts.length >= 3, String(parts.length));
    for (const part of parts) {
      const { seq } = JSON.parse(readFileSync(part, 'utf8').split('\n')[0] ?? '') as { seq: number };
      assert.equal(basename(part), `audit-${String(seq).padStart(12, '0')}.jsonl`);
      assert.ok(statSync(part).size > 2_000);
      if (process.platform !== 'win32') assert.equal(statSync(part).mode & 0o777, 0o600);
    }
    assert.deepEqual(await servers(), batches.flat());
    assert.deepEqual(await servers({ limit: 7 }), batches.flat().slice(-7));
    assert.deepEqual(await servers({ server: '3b' }), ['3b']);
    const log = openLog(path);
    assert.deepEqual(
      log.recent().map((e) => e.server),
      batches.flat(),
    );
    await log.close();
    assert.equal((await verifyTrail(path, keys)).entries, 40);
  });

  it('do not overwrite what is there already', async () => {
    mkdirSync(join(path, '..'));
    const inTheWay = join(path, '..', 'audit-000000000001.jsonl');
    symlinkSync('/nowhere', inTheWay);
    writeFileSync(join(path, '..', 'audit-x.jsonl'), 'not ours');
    await writeTrail(path, [['a', 'b'], ['c'], ['d']], { keys, maxBytes: () => 100 });
    assert.deepEqual(await servers(), ['a', 'b', 'c', 'd']);
    assert.ok((await verifyTrail(path, keys)).ok);
  });

  it('are deleted as wholes when they are too old, and the trail stays in order', async () => {
    const clock = new FixedClock();
    let keepDays = 0;
    const log = openLog(path, { keys, clock, maxBytes: () => 2_000, keepDays: () => keepDays });
    const day = async (): Promise<void> => {
      for (const server of ['a', 'b', 'c', 'd']) log.record(entry(server));
      await log.flush();
      clock.time += DAY;
    };
    for (let i = 0; i < 20; i += 1) await day();
    assert.equal(linesOf(path).length, 80, '0 days keep all');
    keepDays = 10;
    await day();
    const left = newestLines(path, Infinity);
    const [oldest] = left;
    assert.ok(oldest !== undefined && left.length >= 40 && left.length < 60, String(left.length));
    assert.equal(left.length, 84 - oldest.entry.seq + 1);
    assert.deepEqual((await verifyTrail(path, keys)).entries, left.length);
    assert.ok((await verifyTrail(path, keys)).ok);
    await day();
    await log.close();
    // What is deleted by others is still missed.
    const [first = ''] = segmentPaths(path);
    const text = readFileSync(first, 'utf8');
    writeFileSync(first, text.slice(text.indexOf('\n') + 1));
    const problem = (await verifyTrail(path, keys)).problem;
    assert.equal(problem?.kind, 'missing');
    assert.equal(problem.file, basename(first));
  });

  it('are not deleted for a time that somebody has put in', async () => {
    const parts = { keys, maxBytes: () => 1_000, keepDays: () => 10 };
    await writeTrail(
      path,
      Array.from({ length: 6 }, () => ['a', 'b', 'c']),
      parts,
    );
    const before = segmentPaths(path);
    const [first = ''] = before;
    writeFileSync(first, readFileSync(first, 'utf8').replaceAll('"time":"2026', '"time":"2016'));
    await writeTrail(path, [['d'], ['e']], parts);
    assert.deepEqual(segmentPaths(path).slice(0, before.length), before);
    assert.equal((await verifyTrail(path, keys)).problem?.kind, 'edited');
  });

  it('hold every entry of two processes at once, also when one is killed', async () => {
    const [one, two, victim] = ['one', 'two', 'victim'].map((name) => start('appendEntries.ts', path, name, '1000'));
    assert.ok(one && two && victim);
    const over = [one, two].map(ended);
    const died = ended(victim);
    await said(victim, 'half');
    victim.kill('SIGKILL');
    await died;
    assert.deepEqual(await Promise.all(over), [0, 0]);
    const found = await servers();
    for (const name of ['one', 'two']) {
      const own = found.filter((server) => String(server).startsWith(`${name} `));
      assert.deepEqual(
        own,
        Array.from({ length: 1_000 }, (_, i) => `${name} ${String(i)}`),
      );
    }
    const ofVictim = found.filter((server) => String(server).startsWith('victim ')).length;
    assert.ok(ofVictim > 500, String(ofVictim));
    const report = await verifyTrail(path, keys);
    assert.deepEqual([report.ok, report.entries], [true, 2_000 + ofVictim]);
    assert.ok(segmentPaths(path).length > 1);
  });

  it('show each window what the others have recorded', async () => {
    const [one, two] = [openLog(path, { keys }), openLog(path, { keys })];
    assert.deepEqual([one.recent(), two.recent()], [[], []]);
    for (let i = 0; i < 3; i += 1) {
      (i % 2 === 0 ? one : two).record(entry(String(i)));
      await Promise.all([one.flush(), two.flush()]);
      const expected = Array.from({ length: i + 1 }, (_, n) => String(n));
      for (const log of [one, two])
        assert.deepEqual(
          log.recent().map((e) => e.server),
          expected,
        );
    }
    await Promise.all([one.close(), two.close()]);
  });
});
