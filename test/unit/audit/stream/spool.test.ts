import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Spool } from '../../../../src/audit/stream/spool';
import type { Batch } from '../../../../src/audit/stream/spool';
import { entryNumber } from '../../support/entries';
import { temporaryFolder } from '../../support/folders';

const MANY = 1_000_000;

describe('a spool', () => {
  const folder = temporaryFolder();
  let path = '';
  let dropped = 0;
  const onDrop = (lines: number): void => void (dropped += lines);

  beforeEach(() => {
    path = join(mkdtempSync(join(folder(), 's-')), '1-00');
    dropped = 0;
  });

  const create = (maxBytes = MANY): Spool => Spool.create(path, maxBytes, onDrop);
  const reopen = (maxBytes = MANY): Promise<Spool> => Spool.open(path, maxBytes, onDrop);

  function add(spool: Spool, from: number, to: number): void {
    for (let n = from; n <= to; n += 1) spool.append({ id: `1-00-${String(n)}`, entry: entryNumber(n) });
  }

  function numbers(batch: Batch | undefined): number[] {
    return (batch?.records ?? []).map(({ entry }) => Number(entry.requestId));
  }

  async function takeAll(spool: Spool, size = 7): Promise<number[]> {
    const all: number[] = [];
    for (let batch = await spool.next(size); batch !== undefined; batch = await spool.next(size)) {
      all.push(...numbers(batch));
      await spool.commit(batch);
    }
    return all;
  }

  const upTo = (n: number, from = 1): number[] => Array.from({ length: n - from + 1 }, (_, i) => i + from);

  it('gives back what it was given, in order, once', async () => {
    const spool = create();
    add(spool, 1, 20);
    assert.equal(spool.waiting, 20);
    assert.deepEqual(await takeAll(spool), upTo(20));
    assert.equal(spool.waiting, 0);
    assert.equal(await spool.next(10), undefined);
    add(spool, 21, 22);
    assert.deepEqual(await takeAll(spool), [21, 22]);
  });

  it('gives the same again until it is told that it was delivered', async () => {
    const spool = create();
    add(spool, 1, 3);
    assert.deepEqual(numbers(await spool.next(2)), [1, 2]);
    assert.deepEqual(numbers(await spool.next(2)), [1, 2]);
  });

  it('is for this user alone', async () => {
    const spool = create();
    add(spool, 1, 3);
    await takeAll(spool);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    for (const name of readdirSync(path)) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name);
  });

  it('survives the end of its process, however the deliveries and the end fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constant('add'), fc.constant('deliver'), fc.constant('lost'), fc.constant('end')), { maxLength: 60 }),
        async (steps) => {
          rmSync(path, { recursive: true, force: true });
          let spool = create(4_000_000);
          let added = 0;
          const delivered: number[] = [];
          for (const step of steps) {
            if (step === 'add') add(spool, added + 1, (added += 3));
            // The process ends between the delivery and the note of it.
            else if (step === 'lost') delivered.push(...numbers(await spool.next(2)));
            else if (step === 'deliver') {
              const batch = await spool.next(2);
              delivered.push(...numbers(batch));
              if (batch !== undefined) await spool.commit(batch);
            } else {
              const waiting = spool.waiting;
              spool.close();
              spool = await reopen();
              assert.equal(spool.waiting, waiting);
            }
          }
          delivered.push(...(await takeAll(spool)));
          assert.deepEqual(
            [...new Set(delivered)].sort((a, b) => a - b),
            upTo(added),
          );
          spool.remove();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('passes over a line that a crash has cut, and lines that are none', async () => {
    const spool = create();
    add(spool, 1, 2);
    spool.close();
    appendFileSync(join(path, '00000001.jsonl'), 'nonsense\n{"id":"1-00-3","entry":{"time":"20');
    const reopened = await reopen();
    assert.deepEqual(await takeAll(reopened, 1), [1, 2]);
    assert.equal(reopened.waiting, 0);
  });

  it('delivers everything once more when its cursor is damaged', async () => {
    const spool = create();
    add(spool, 1, 4);
    await takeAll(spool);
    add(spool, 5, 6);
    spool.close();
    writeFileSync(join(path, 'cursor'), '{"segm');
    assert.deepEqual(await takeAll(await reopen()), upTo(6));
  });

  it('keeps to its size: the oldest go, and are counted', async () => {
    const maxBytes = 20_000;
    const spool = create(maxBytes);
    add(spool, 1, 500);
    const bytes = readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
    assert.ok(bytes <= maxBytes, String(bytes));
    assert.ok(dropped > 0);
    assert.equal(dropped + spool.waiting, 500);
    assert.deepEqual(await takeAll(spool), upTo(500, dropped + 1));
  });

  it('does not count as lost what was delivered before it had to go', async () => {
    const spool = create(20_000);
    for (let n = 1; n <= 500; n += 10) {
      add(spool, n, n + 9);
      await takeAll(spool);
    }
    assert.equal(dropped, 0);
    assert.ok(readdirSync(path).length <= 3, 'what is delivered is deleted');
  });

  it('forgets a batch that had to go while it was on its way', async () => {
    const spool = create(20_000);
    add(spool, 1, 10);
    const batch = await spool.next(5);
    add(spool, 11, 500);
    assert.ok(batch !== undefined);
    await spool.commit(batch);
    assert.equal(dropped + spool.waiting, 500);
    assert.deepEqual(await takeAll(spool), upTo(500, dropped + 1));
  });

  it('says so when somebody has deleted it', () => {
    const spool = create();
    add(spool, 1, 1);
    rmSync(path, { recursive: true });
    assert.throws(() => {
      add(spool, 2, 2);
    });
    assert.ok(!existsSync(path));
  });
});
