import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEntry } from '../../../src/audit/entry';
import { KeyRing } from '../../../src/audit/keyRing';
import { newestLines } from '../../../src/audit/recentEntries';
import { deleteParts, expiredParts } from '../../../src/audit/retention';
import { TrailWriter } from '../../../src/audit/trailWriter';
import { verifyTrail } from '../../../src/audit/verify';
import { temporaryFolder } from '../support/folders';
import { RecordingLogger } from '../support/memory';
import { entry, FixedKeys, openLog, writeTrail } from '../support/trails';
import { takeAway } from './takeAway';

const held = (): void => undefined;
const lost = (): void => {
  throw Object.assign(new Error('lost'), { code: 'ELOCKED' });
};

describe('a writer of the audit trail', () => {
  const folder = temporaryFolder();
  let count = 0;
  let path = '';
  const keys = new FixedKeys(1);

  beforeEach(() => {
    count += 1;
    path = join(folder(), `trail ${String(count)}`, 'audit.jsonl');
    mkdirSync(dirname(path));
  });

  const timed = (server: string): AuditEntry => ({ time: '2026-01-02T03:04:05.678Z', ...entry(server) });
  const verify = (): ReturnType<typeof verifyTrail> => verifyTrail(path, keys);
  const servers = (): unknown[] => newestLines(path, Infinity).map(({ entry: { server } }) => server);

  async function ringOf(from: FixedKeys): Promise<KeyRing> {
    const ring = new KeyRing(from);
    await ring.refresh();
    return ring;
  }

  /** As another process has it. */
  async function writer(maxBytes: () => number = () => 1_000, from = keys): Promise<TrailWriter> {
    return new TrailWriter(path, await ringOf(from), maxBytes);
  }

  /** What is in the files. */
  function files(): Record<string, string> {
    const names = readdirSync(dirname(path)).sort();
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(dirname(path), name), 'utf8')]));
  }

  for (const next of ['seal', 'append'] as const) {
    it(`lets a trail begin where another process has let it begin, which has added no line (${next})`, async () => {
      const [one, two] = [await writer(), await writer()];
      for (let i = 0; i < 12; i += 1) {
        one.append([timed(String(i))], held);
        one.seal(held);
      }
      // Outside of the lock: the other one has a turn in between.
      const expired = await expiredParts(path, Date.parse('2027-01-01'), await ringOf(keys));
      assert.ok(expired !== undefined);
      two.append([timed('a')], held);
      assert.equal(one.beginAfter(expired.end, held), true);
      deleteParts(expired);
      if (next === 'append') two.append([timed('b')], held);
      two.seal(held);
      const first = expired.end.seq + 1;
      assert.equal(newestLines(path, Infinity)[0]?.entry.seq, first);
      assert.deepEqual([(await verify()).problem, (await verify()).ok], [undefined, true]);
      // Of those that are left, none can go without being missed.
      one.append([timed('c')], held);
      one.seal(held);
      assert.equal((await verify()).entries, servers().length);
    });
  }

  it('writes nothing when the lock is lost, and goes on with the next one', async () => {
    const one = await writer();
    const unchanged = (act: () => unknown, what: string): void => {
      const before = files();
      assert.throws(act, { code: 'ELOCKED' }, what);
      assert.deepEqual(files(), before, what);
    };
    unchanged(() => one.append([timed('a')], lost), 'the first head');
    one.append(['a', 'b', 'c', 'd', 'e', 'f'].map(timed), held);
    unchanged(() => {
      one.seal(lost);
    }, 'a head');
    unchanged(() => one.beginAfter({ seq: 1, mac: 'x' }, lost), 'a head that lets the trail begin later');
    unchanged(() => one.append([timed('g')], lost), 'a part that is put aside');
    assert.deepEqual(one.append([timed('g')], held), { rotated: true });
    unchanged(() => one.append([timed('h')], lost), 'a line');
    appendFileSync(path, '{"time":');
    unchanged(() => one.append([timed('h')], lost), 'a line that was never finished');
    one.append([timed('h')], held);
    one.seal(held);
    assert.deepEqual(servers(), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    assert.deepEqual(await verify(), { ok: true, entries: 8, unkeyed: 0, uncheckable: 0, unfinished: false });
  });

  it('that loses the lock after it has read the trail, and before it writes, keeps its entries for the next turn', async () => {
    await writeTrail(path, [['a']], { keys });
    const thief = await writer();
    const logger = new RecordingLogger();
    let steals = false;
    let stolen = '';
    let hasStolen = (): void => undefined;
    const theft = new Promise<void>((resolve) => (hasStolen = resolve));
    const log = openLog(path, {
      keys,
      logger,
      // Asked for between the two.
      maxBytes: () => {
        if (!steals) return 100_000;
        steals = false;
        const giveBack = takeAway(path);
        thief.append([timed('of the other one')], held);
        thief.seal(held);
        stolen = readFileSync(path, 'utf8');
        hasStolen();
        setTimeout(giveBack, 150);
        return 100_000;
      },
    });
    log.record(entry('b'));
    await log.flush();
    steals = true;
    log.record(entry('c'));
    const flushed = log.flush();
    await theft;
    await sleep(50);
    assert.equal(readFileSync(path, 'utf8'), stolen);
    assert.ok(existsSync(`${path}.lock`), 'the lock of the other one is not released');
    await flushed;
    await log.close();
    assert.deepEqual(servers(), ['a', 'b', 'of the other one', 'c']);
    assert.deepEqual([(await verify()).problem, logger.errors], [undefined, []]);
  });

  it('that could not write the head writes it when it can, also when nothing new happens', async () => {
    const log = openLog(path, { keys });
    log.record(entry('a'));
    await log.flush();
    log.record(entry('b'));
    const inTheWay = join(dirname(path), 'audit.head.0.tmp');
    mkdirSync(inTheWay);
    await log.flush();
    assert.deepEqual(servers(), ['a', 'b']);
    rmdirSync(inTheWay);
    const before = files()['audit.head'];
    await log.flush();
    assert.notEqual(files()['audit.head'], before);
    await log.close();
  });
});
