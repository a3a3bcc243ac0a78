import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditLog } from '../../../src/audit/auditLog';
import { newestLines } from '../../../src/audit/recentEntries';
import { verifyTrail } from '../../../src/audit/verify';
import { temporaryFolder } from '../support/folders';
import { FixedClock, RecordingLogger } from '../support/memory';
import { entry, FixedKeys, linesOf, openLog } from '../support/trails';

describe('the audit file', () => {
  const folder = temporaryFolder();
  let count = 0;
  let path = '';
  let logger = new RecordingLogger();
  const clock = new FixedClock();
  const keys = new FixedKeys(1);
  const open = (): AuditLog => openLog(path, { clock, logger, keys });
  const servers = (): unknown[] => newestLines(path, Infinity).map(({ entry: { server } }) => server);
  const verify = (): ReturnType<typeof verifyTrail> => verifyTrail(path, keys);

  beforeEach(() => {
    count += 1;
    path = join(folder(), `case ${String(count)}`, 'audit.jsonl');
    logger = new RecordingLogger();
  });

  it('is not made before there is something to record', async () => {
    const log = open();
    assert.deepEqual(log.recent(), []);
    await log.flush();
    log.dispose();
    assert.ok(!existsSync(join(path, '..')));
  });

  it('has one JSON line per entry, with the time in UTC', async () => {
    const log = open();
    log.record(entry('one'));
    log.record({ ...entry('two\nlines "quoted"'), time: '2020-01-01T00:00:00.000Z' });
    await log.flush();
    const text = readFileSync(path, 'utf8');
    assert.ok(text.endsWith('\n'));
    const lines = text.trimEnd().split('\n');
    assert.equal(lines.length, 2);
    const [one, two] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const { mac, ...first } = one ?? {};
    assert.match(String(mac), /^[\w-]{43}$/);
    assert.deepEqual(first, { time: '2026-01-02T03:04:05.678Z', ...entry('one'), seq: 1, key: keys.now?.id });
    assert.deepEqual([two?.time, two?.server, two?.seq], ['2020-01-01T00:00:00.000Z', 'two\nlines "quoted"', 2]);
    log.dispose();
  });

  it("is this user's alone", async function () {
    if (process.platform === 'win32') this.skip();
    const log = open();
    log.record(entry('one'));
    await log.flush();
    log.dispose();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
  });

  it('has no entry without a key after one with it, though the vault is made by another process in the midst of a turn', async () => {
    const one = open();
    let asked = 0;
    const late = {
      current: async () => {
        asked += 1;
        // By the log as it begins, and by its turn of writing.
        if (asked !== 2) return asked === 1 ? undefined : keys.current();
        // Nobody has a vault at this moment; then somebody has, and records what it did with it.
        one.record(entry('one'));
        await one.flush();
        return undefined;
      },
      byId: (id: string) => keys.byId(id),
    };
    const two = openLog(path, { clock, logger, keys: late });
    two.record(entry('two'));
    await two.flush();
    for (const log of [one, two]) log.dispose();
    assert.deepEqual(servers(), ['one', 'two']);
    assert.equal((await verify()).problem, undefined);
  });

  it('only grows: another process and another start add to it', async () => {
    const [one, two] = [open(), open()];
    for (let i = 0; i < 50; i += 1) (i % 2 === 0 ? one : two).record(entry(String(i)));
    await Promise.all([one.flush(), two.flush()]);
    one.dispose();
    two.dispose();
    const before = readFileSync(path, 'utf8');
    const three = open();
    three.record(entry('last'));
    await three.close();
    assert.ok(readFileSync(path, 'utf8').startsWith(before));
    assert.equal(servers().length, 51);
    assert.deepEqual(new Set(servers()).size, 51);
    assert.deepEqual((await verify()).entries, 51);
    assert.ok((await verify()).ok);
  });

  it('has everything after dispose', () => {
    const log = open();
    for (let i = 0; i < 10; i += 1) log.record(entry(String(i)));
    log.dispose();
    assert.deepEqual(servers(), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  it('has everything after dispose, also when the turn before took so long that the next one was due', async () => {
    const log = open();
    log.record(entry('one'));
    const flushed = log.flush();
    const end = performance.now() + 150;
    while (performance.now() < end);
    await flushed;
    log.record(entry('two'));
    log.dispose();
    assert.deepEqual(servers(), ['one', 'two']);
  });

  it('has everything after dispose even if the key is not there yet, and says so', async () => {
    const first = open();
    first.record(entry('with a key'));
    await first.close();
    const log = open();
    log.record(entry('without'));
    log.dispose();
    const last = open();
    last.record(entry('with a key again'));
    await last.close();
    assert.deepEqual(servers(), ['with a key', 'without', 'with a key again']);
    const { problem, entries } = await verify();
    assert.deepEqual([problem, entries], [{ kind: 'unkeyed', seq: 2, file: 'audit.jsonl' }, 3]);
  });

  for (const end of ['dispose', 'flush'] as const) {
    it(`survives a last line that a crash has cut (${end})`, async () => {
      const first = open();
      first.record(entry('before'));
      await first.close();
      appendFileSync(path, '{"time":"2026-01-02T03:04:05.678Z","actor":"ag');
      const log = open();
      assert.deepEqual(
        log.recent().map((e) => e.server),
        ['before'],
      );
      log.record(entry('after'));
      // The key is there a moment later.
      await (end === 'flush' ? log.flush() : Promise.resolve());
      log.record(entry('and later'));
      log.dispose();
      assert.deepEqual(servers(), ['before', 'after', 'and later']);
      assert.ok((await verify()).ok);
    });
  }

  it('may hold lines that are no entries', async () => {
    const first = open();
    first.record(entry('one'));
    await first.close();
    appendFileSync(path, 'null\n7\n[]\n{}\n\nnot json\n{"action":1}\n');
    appendFileSync(path, `${(linesOf(path)[0] ?? '').replace('"secrets":["K"]', '"secrets":7')}\n`);
    const log = open();
    log.record(entry('two'));
    await log.close();
    assert.deepEqual(servers(), ['one', 'two']);
    assert.deepEqual(
      open()
        .recent()
        .map((e) => e.server),
      ['one', 'two'],
    );
    assert.equal((await verify()).problem?.kind, 'edited');
  });

  it('holds a part only of the long names that an agent may choose', async () => {
    const log = open();
    log.record({ ...entry('s'), tool: 'x'.repeat(1_000_000), requestId: 'y'.repeat(256) });
    await log.close();
    const [line] = newestLines(path, 1);
    assert.deepEqual([line?.entry.tool, line?.entry.requestId], [`${'x'.repeat(255)}…`, 'y'.repeat(256)]);
    assert.ok((await verify()).ok);
  });

  it('has what could not be written for a while, once it can be', async () => {
    const inTheWay = join(folder(), `file ${String(count)}`);
    writeFileSync(inTheWay, '');
    path = join(inTheWay, 'audit.jsonl');
    const log = open();
    log.record(entry('early'));
    await log.flush();
    rmSync(inTheWay);
    log.record(entry('late'));
    await log.close();
    assert.deepEqual(servers(), ['early', 'late']);
    assert.deepEqual([logger.errors.length, logger.lines.length], [1, 1]);
  });

  it('that cannot be written is reported once and stops nothing', async () => {
    const inTheWay = join(folder(), `file ${String(count)}`);
    writeFileSync(inTheWay, '');
    path = join(inTheWay, 'audit.jsonl');
    const log = open();
    for (let i = 0; i < 3; i += 1) {
      log.record(entry(String(i)));
      await log.flush();
    }
    log.record(entry('3'));
    log.dispose();
    assert.equal(logger.errors.length, 1);
    assert.match(logger.errors[0] ?? '', /audit\.jsonl cannot be written \(E[A-Z]+\)/);
    assert.deepEqual(open().recent(), []);
  });

  describe('recent', () => {
    it('has what is in the file and what is not there yet, oldest first', async () => {
      const first = open();
      first.record(entry('one'));
      first.dispose();
      const log = open();
      log.record(entry('two'));
      const expected = ['one', 'two'];
      assert.deepEqual(
        log.recent().map((e) => e.server),
        expected,
      );
      await log.flush();
      assert.deepEqual(
        log.recent().map((e) => e.server),
        expected,
      );
      log.dispose();
    });

    it('keeps the newest 500', () => {
      const log = open();
      log.recent();
      for (let i = 0; i < 1700; i += 1) log.record(entry(String(i)));
      const recent = log.recent();
      assert.equal(recent.length, 500);
      assert.deepEqual([recent[0]?.server, recent.at(-1)?.server], ['1200', '1699']);
      log.dispose();
      assert.equal(open().recent()[0]?.server, '1200');
    });

    it('is announced entry by entry, and a listener that throws does no harm', () => {
      const log = open();
      const heard: unknown[] = [];
      log.onDidAdd(() => {
        throw new Error('a broken view');
      });
      log.onDidAdd((e) => heard.push(e.server));
      log.record(entry('one'));
      assert.deepEqual(heard, ['one']);
      log.dispose();
      assert.deepEqual(servers(), ['one']);
    });
  });
});
