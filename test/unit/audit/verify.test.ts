import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { headPath } from '../../../src/audit/head';
import { segmentPaths } from '../../../src/audit/segments';
import { verifyTrail } from '../../../src/audit/verify';
import { temporaryFolder } from '../support/folders';
import { smallDisk } from '../support/smallDisk';
import { FixedKeys, entry, linesOf, openLog, trailFiles, writeTrail } from '../support/trails';

type Report = Awaited<ReturnType<typeof verifyTrail>>;

describe('verifying the audit trail', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  let count = 0;
  const newPath = (): string => join(folder(), `trail ${String((count += 1))}`, 'audit.jsonl');
  const keys = new FixedKeys(1);
  const verify = (path: string): Promise<Report> => verifyTrail(path, keys);

  /** A trail of entries a, b, c… under one key, in one file. */
  async function trail(servers: string): Promise<string> {
    const path = newPath();
    await writeTrail(path, [Array.from(servers)], { keys });
    return path;
  }

  const rewrite = (path: string, change: (lines: string[]) => string[]): void => {
    writeFileSync(
      path,
      change(linesOf(path))
        .map((line) => `${line}\n`)
        .join(''),
    );
  };

  it('finds nothing wrong with a trail that is not there, and makes nothing', async () => {
    const path = newPath();
    assert.deepEqual(await verify(path), { ok: true, entries: 0, unkeyed: 0, uncheckable: 0, unfinished: false });
    assert.throws(() => readFileSync(path));
  });

  it('counts the entries of a trail in several parts', async () => {
    const path = newPath();
    await writeTrail(
      path,
      Array.from({ length: 10 }, () => ['a', 'b', 'c']),
      { keys, maxBytes: () => 1_000 },
    );
    assert.ok(segmentPaths(path).length > 2);
    assert.deepEqual(await verify(path), { ok: true, entries: 30, unkeyed: 0, uncheckable: 0, unfinished: false });
  });

  const line = (lines: string[], index: number): string => lines[index] ?? '';
  const attacks: [what: string, attack: (path: string) => void, kind: string, seq: number, file?: string][] = [
    ['a changed name', (p) => rewrite(p, (l) => l.map((x, i) => (i === 1 ? x.replace('"server":"b"', '"server":"x"') : x))), 'edited', 2],
    ['a line that is no line', (p) => rewrite(p, (l) => l.map((x, i) => (i === 1 ? '{}' : x))), 'edited', 2],
    ['an inserted empty line', (p) => rewrite(p, (l) => [...l.slice(0, 2), '', ...l.slice(2)]), 'edited', 3],
    ['a deleted line', (p) => rewrite(p, (l) => l.filter((_, i) => i !== 1)), 'missing', 2],
    ['a deleted first line', (p) => rewrite(p, (l) => l.slice(1)), 'missing', 1],
    ['swapped lines', (p) => rewrite(p, (l) => [line(l, 0), line(l, 2), line(l, 1), line(l, 3)]), 'reordered', 2],
    ['a repeated line', (p) => rewrite(p, (l) => [...l, line(l, 1)]), 'reordered', 2],
    ['a deleted last line', (p) => rewrite(p, (l) => l.slice(0, -1)), 'truncated', 4, 'audit.head'],
    ['an emptied file', (p) => writeFileSync(p, ''), 'truncated', 1, 'audit.head'],
    ['a deleted file', (p) => rmSync(p), 'truncated', 1, 'audit.head'],
    ['a deleted head', (p) => rmSync(headPath(p)), 'truncated', 5, 'audit.head'],
    ['a last line that is cut', (p) => writeFileSync(p, readFileSync(p).subarray(0, -20)), 'torn', 4],
  ];
  for (const [what, attack, kind, seq, file = 'audit.jsonl'] of attacks) {
    it(`finds ${what}, before and after more is written`, async () => {
      const path = await trail('abcd');
      attack(path);
      assert.deepEqual((await verify(path)).problem, { kind, seq, file });
      await writeTrail(path, [['e']], { keys });
      const after = await verify(path);
      assert.equal(after.ok, false);
      // What was cut off from the end is now missing before what came next.
      assert.equal(after.problem?.seq, seq);
    });
  }

  it('finds a head that was made without the key, to hide a cut', async () => {
    const path = await trail('abcd');
    const other = newPath();
    await writeTrail(other, [['x', 'y']], { keys: new FixedKeys() });
    rewrite(path, (l) => l.slice(0, 2));
    const forged = readFileSync(headPath(other), 'utf8');
    writeFileSync(headPath(path), forged);
    assert.equal((await verify(path)).problem?.kind, 'truncated');
    await writeTrail(path, [['e']], { keys });
    assert.deepEqual((await verify(path)).problem, { kind: 'missing', seq: 3, file: 'audit.jsonl' });
  });

  it('finds a head under a foreign key, to hide a cut', async () => {
    const path = await trail('abcd');
    const other = newPath();
    await writeTrail(other, [['x', 'y']], { keys: new FixedKeys(66) });
    rewrite(path, (l) => l.slice(0, 2));
    renameSync(headPath(other), headPath(path));
    assert.equal((await verify(path)).problem?.kind, 'truncated');
    await writeTrail(path, [['e']], { keys });
    assert.deepEqual((await verify(path)).problem, { kind: 'missing', seq: 3, file: 'audit.jsonl' });
  });

  it('finds an entry that somebody without the key has added', async () => {
    for (const forger of [new FixedKeys(), new FixedKeys(66)]) {
      const path = await trail('abcd');
      await writeTrail(path, [['forged']], { keys: forger });
      const { ok, problem } = await verify(path);
      assert.equal(ok, false);
      assert.deepEqual([problem?.kind, problem?.seq], [forger.now === undefined ? 'unkeyed' : 'foreign', 5]);
    }
  });

  it('finds an entry from another trail under the same key', async () => {
    const [path, other] = [await trail('abcd'), await trail('wxyz')];
    rewrite(path, (l) => l.map((text, i) => (i === 2 ? line(linesOf(other), 2) : text)));
    assert.deepEqual((await verify(path)).problem, { kind: 'edited', seq: 3, file: 'audit.jsonl' });
  });

  it('accepts what a crash leaves: lines that the head does not know of, an unfinished line', async () => {
    const path = await trail('ab');
    const head = readFileSync(headPath(path));
    await writeTrail(path, [['c', 'd']], { keys });
    writeFileSync(headPath(path), head);
    appendFileSync(path, '{"time":"2026');
    assert.deepEqual(await verify(path), { ok: true, entries: 4, unkeyed: 0, uncheckable: 0, unfinished: true });
    await writeTrail(path, [['e']], { keys });
    assert.deepEqual(await verify(path), { ok: true, entries: 5, unkeyed: 0, uncheckable: 0, unfinished: false });
  });

  it('says how many entries were written before there was a key, and finds changes among them', async () => {
    const path = newPath();
    const later = new FixedKeys();
    const log = openLog(path, { keys: later });
    log.record(entry('a'));
    log.record(entry('b'));
    await log.flush();
    later.use(1);
    log.record(entry('c'));
    await log.close();
    assert.deepEqual(await verify(path), { ok: true, entries: 3, unkeyed: 2, uncheckable: 0, unfinished: false });
    // Without a key anybody can make a chain; the first line with one holds it fast.
    const other = newPath();
    await writeTrail(other, [['a', 'x']], { keys: new FixedKeys() });
    rewrite(path, (l) => [...linesOf(other), line(l, 2)]);
    assert.deepEqual((await verify(path)).problem, { kind: 'edited', seq: 3, file: 'audit.jsonl' });
  });

  it('checks entries of former keys, and says which ones it cannot check when a key is lost', async () => {
    const path = newPath();
    const rotated = new FixedKeys(1);
    const log = openLog(path, { keys: rotated });
    for (const [server, key] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const) {
      rotated.use(key);
      log.record(entry(server));
      await log.flush();
    }
    await log.close();
    assert.deepEqual(await verifyTrail(path, rotated), { ok: true, entries: 3, unkeyed: 0, uncheckable: 0, unfinished: false });
    const fresh = new FixedKeys(3);
    assert.deepEqual(await verifyTrail(path, fresh), {
      ok: false,
      entries: 3,
      unkeyed: 0,
      uncheckable: 2,
      unfinished: false,
      problem: { kind: 'foreign', seq: 1, file: 'audit.jsonl' },
    });
    await writeTrail(path, [['d']], { keys: fresh });
    rewrite(path, (l) => l.map((text, i) => (i === 3 ? text.replace('"d"', '"x"') : text)));
    assert.deepEqual((await verifyTrail(path, fresh)).problem, { kind: 'edited', seq: 4, file: 'audit.jsonl' }, 'worse comes first');
  });

  it('goes on after a lost key without calling anything missing', async () => {
    const path = newPath();
    await writeTrail(path, [['a', 'b']], { keys: new FixedKeys(1) });
    await writeTrail(path, [['while it is lost']], { keys: new FixedKeys() });
    await writeTrail(path, [['c', 'd']], { keys: new FixedKeys(2) });
    const report = await verifyTrail(path, new FixedKeys(2));
    assert.deepEqual([report.entries, report.uncheckable, report.problem?.kind], [5, 2, 'foreign']);
    const found = await verifyTrail(path, new FixedKeys(1, 2));
    assert.deepEqual([found.entries, found.problem], [5, { kind: 'unkeyed', seq: 3, file: 'audit.jsonl' }]);
  });

  it('finds a part that is gone, and parts whose names were changed', async () => {
    for (const attack of ['delete', 'swap'] as const) {
      const path = newPath();
      await writeTrail(
        path,
        Array.from({ length: 10 }, () => ['a', 'b', 'c']),
        { keys, maxBytes: () => 1_000 },
      );
      const [, one = '', two = ''] = segmentPaths(path);
      const first = (JSON.parse(readFileSync(one, 'utf8').split('\n')[0] ?? '') as { seq: number }).seq;
      if (attack === 'delete') rmSync(one);
      else {
        renameSync(one, `${one}.x`);
        renameSync(two, one);
        renameSync(`${one}.x`, two);
      }
      const file = basename(attack === 'delete' ? two : one);
      assert.deepEqual((await verify(path)).problem, { kind: attack === 'delete' ? 'missing' : 'reordered', seq: first, file });
    }
  });

  describe('on a disk that cannot be written', () => {
    const disk = smallDisk();

    it('reads a trail all the same', async () => {
      const path = join(disk.path(), 'trail', 'audit.jsonl');
      await writeTrail(
        path,
        [
          ['a', 'b'],
          ['c', 'd'],
        ],
        { keys },
      );
      disk.setReadOnly(true);
      const { ok, entries } = await verify(path);
      disk.setReadOnly(false);
      assert.deepEqual([ok, entries], [true, 4]);
    });
  });

  it('finds a change of any byte of the lines and the head', async () => {
    const path = await trail('ab');
    for (const file of [path, headPath(path)]) {
      const bytes = readFileSync(file);
      for (let at = 0; at < bytes.length; at += 1) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        writeFileSync(file, changed);
        assert.equal((await verify(path)).ok, false, `${file} ${String(at)}`);
      }
      writeFileSync(file, bytes);
    }
    assert.ok((await verify(path)).ok);
  });

  type Attack =
    | { readonly kind: 'delete' | 'duplicate' | 'move' | 'swap'; readonly at: number; readonly to: number; readonly count: number }
    | { readonly kind: 'cut' | 'flip'; readonly at: number; readonly to: number; readonly count: number };

  /** Does what an attacker without the key can do to the lines. Returns whether anything has changed. */
  function perform({ kind, at, to, count: many }: Attack, path: string): boolean {
    const before = trailFiles(path).map((file) => readFileSync(file));
    if (kind === 'cut' || kind === 'flip') {
      const file = trailFiles(path)[to % before.length] ?? path;
      const bytes = Buffer.from(before[to % before.length] ?? '');
      const where = at % bytes.length;
      bytes[where] = (bytes[where] ?? 0) ^ (1 << (many % 8));
      writeFileSync(file, kind === 'cut' ? bytes.subarray(0, where) : bytes);
      return true;
    }
    const lines = trailFiles(path).flatMap((file, index) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((text) => ({ file, index, text })),
    );
    const texts = lines.map(({ text }) => text);
    const [from, target] = [at % texts.length, to % texts.length];
    if (kind === 'delete') texts.splice(from, many);
    if (kind === 'duplicate') texts.splice(target, 0, ...texts.slice(from, from + many));
    if (kind === 'move') texts.splice(target, 0, ...texts.splice(from, many));
    if (kind === 'swap') [texts[from], texts[target]] = [texts[target] ?? '', texts[from] ?? ''];
    const unchanged = texts.length === lines.length && texts.every((text, i) => text === lines[i]?.text);
    // The parts keep about the lines that they had.
    trailFiles(path).forEach((file, index, all) => {
      const start = lines.findIndex((l) => l.index === index);
      const next = index === all.length - 1 ? texts.length : lines.findIndex((l) => l.index === index + 1);
      writeFileSync(
        file,
        texts
          .slice(start, next)
          .map((text) => `${text}\n`)
          .join(''),
      );
    });
    return !unchanged;
  }

  it('finds every deletion, edit, swap, duplicate, move and cut in any trail, and more entries do not hide it', async () => {
    const number = fc.nat({ max: 100_000 });
    const attack: fc.Arbitrary<Attack> = fc.record({
      kind: fc.constantFrom('delete', 'duplicate', 'move', 'swap', 'cut', 'flip'),
      at: number,
      to: number,
      count: fc.integer({ min: 1, max: 4 }),
    });
    const batch = fc.record({
      key: fc.constantFrom(1, 2),
      servers: fc.array(fc.string({ maxLength: 20, unit: 'binary' }), { minLength: 1, maxLength: 5 }),
    });
    const both = new FixedKeys(2, 1);
    const property = fc.asyncProperty(
      fc.array(fc.string({ maxLength: 5 }), { maxLength: 2 }),
      fc.array(batch, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(400, 900, 100_000),
      attack,
      async (unkeyed, batches, bytes, blow) => {
        const path = newPath();
        mkdirSync(join(path, '..'));
        const changing = new FixedKeys();
        const log = openLog(path, { keys: changing, maxBytes: () => bytes });
        for (const server of unkeyed) log.record(entry(server));
        await log.flush();
        for (const { key, servers } of batches) {
          changing.use(key);
          for (const server of servers) log.record(entry(server));
          await log.flush();
        }
        await log.close();
        const original = linesOf(path);
        const whole = await verifyTrail(path, both);
        assert.deepEqual([whole.ok, whole.entries, whole.unkeyed], [true, original.length, unkeyed.length]);
        if (!perform(blow, path)) return;
        assert.equal((await verifyTrail(path, both)).ok, false);
        await writeTrail(path, [['later']], { keys: both });
        // A line break that was cut off is put back: then nothing is lost.
        const healed = JSON.stringify(linesOf(path).slice(0, -1)) === JSON.stringify(original);
        assert.equal((await verifyTrail(path, both)).ok, healed);
      },
    );
    await fc.assert(property, { numRuns: 120 });
  });
});
