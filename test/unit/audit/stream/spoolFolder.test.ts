import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AuditStream } from '../../../../src/audit/stream/auditStream';
import { DeliveryError } from '../../../../src/audit/stream/delivery';
import type { Sender } from '../../../../src/audit/stream/delivery';
import { SpoolFolder } from '../../../../src/audit/stream/spoolFolder';
import type { HeldSpool } from '../../../../src/audit/stream/spoolFolder';
import { entryNumber } from '../../support/entries';
import { temporaryFolder } from '../../support/folders';
import { RecordingLogger } from '../../support/memory';

const MANY = 1_000_000;
/** A machine that stands still for a while is no reason to leave anything undelivered. */
const PATIENT = { closeMs: 30_000 };

describe('the spools of a receiver', () => {
  const folder = temporaryFolder();
  let parent = '';

  beforeEach(() => {
    parent = mkdtempSync(join(folder(), 's-'));
  });

  /** As a process of its own has it. */
  const spools = (): SpoolFolder => new SpoolFolder(parent, 'receiver', MANY, () => assert.fail('dropped'));
  const place = (): string => join(parent, readdirSync(parent)[0] ?? assert.fail());

  function add({ spool }: HeldSpool, n: number): void {
    spool.append({ id: `1-00-${String(n)}`, entry: entryNumber(n) });
  }

  async function deliver({ spool }: HeldSpool): Promise<number[]> {
    const all: number[] = [];
    for (let batch = await spool.next(10); batch !== undefined; batch = await spool.next(10)) {
      all.push(...batch.records.map(({ entry }) => Number(entry.requestId)));
      await spool.commit(batch);
    }
    return all;
  }

  /** All who hold a lock look dead: the machine has slept, or somebody has set the time. */
  async function fallAsleep(): Promise<void> {
    // Two folders that are made in the same moment could pass for one.
    await sleep(20);
    for (const name of readdirSync(place())) if (name.endsWith('.lock')) utimesSync(join(place(), name), 1, 1);
  }

  it('leave to who lives what belongs to it', async () => {
    const own = spools().create();
    add(own, 1);
    assert.deepEqual(await spools().adopt(), []);
    assert.equal(own.lost(), false);
    assert.deepEqual(await deliver(own), [1]);
    await own.release();
    assert.deepEqual(readdirSync(place()), []);
  });

  it('are lost at once when another process takes their owner for dead, which does not touch them any more', async () => {
    const own = spools().create();
    add(own, 1);
    await fallAsleep();
    const [adopted] = await spools().adopt();
    assert.ok(adopted !== undefined);
    assert.deepEqual([own.lost(), adopted.lost()], [true, false]);
    await own.release();
    assert.equal(adopted.lost(), false, 'its lock is still there');
    assert.deepEqual(await deliver(adopted), [1]);
    await adopted.release();
    assert.deepEqual([own.lost(), readdirSync(place())], [true, []]);
  });

  it('are not deleted with what was added while they were delivered', async () => {
    const own = spools().create();
    add(own, 1);
    await fallAsleep();
    const [adopted] = await spools().adopt();
    assert.ok(adopted !== undefined);
    assert.deepEqual(await deliver(adopted), [1]);
    // It had asked whether it is lost, and then it slept.
    add(own, 2);
    await adopted.release();
    const [again] = await spools().adopt();
    assert.ok(again !== undefined);
    assert.equal(again.spool.waiting, 1);
    assert.deepEqual(await deliver(again), [2]);
    await again.release();
    assert.deepEqual(readdirSync(place()), []);
  });

  it('are left as they are when they are lost while a delivery is on its way', async () => {
    const adopted: HeldSpool[] = [];
    const sender: Sender = {
      send: async () => {
        await fallAsleep();
        adopted.push(...(await spools().adopt()));
        return undefined;
      },
    };
    const stream = new AuditStream('receiver', sender, () => spools(), new RecordingLogger(), PATIENT);
    stream.push(entryNumber(1));
    await stream.close();
    const [other] = adopted;
    assert.ok(other !== undefined);
    assert.deepEqual(readdirSync(other.spool.folder), ['00000001.jsonl'], 'no cursor but of its new owner');
    assert.deepEqual(await deliver(other), [1]);
    await other.release();
  });

  it('bring everything to the receiver though a process that lives is taken for dead', async () => {
    const arrived: (string | undefined)[] = [];
    let away = true;
    const sender = (isAway: () => boolean): Sender => ({
      send: (records) => {
        if (isAway()) return Promise.reject(new DeliveryError('away'));
        arrived.push(...records.map(({ entry }) => entry.requestId));
        return Promise.resolve(undefined);
      },
    });
    const logger = new RecordingLogger();
    const stream = (isAway: () => boolean): AuditStream => new AuditStream('receiver', sender(isAway), () => spools(), logger, PATIENT);
    const sleeper = stream(() => away);
    sleeper.push(entryNumber(1));
    await fallAsleep();
    const other = stream(() => false);
    await other.close();
    assert.deepEqual(arrived, ['1']);
    // Only now: a try while the other one delivers would rightly bring the first once more.
    away = false;
    sleeper.push(entryNumber(2));
    assert.ok(existsSync(place()));
    await sleeper.close();
    assert.deepEqual([arrived, sleeper.status().dropped, logger.errors], [['1', '2'], 0, []]);
    assert.deepEqual(readdirSync(place()), []);
  });
});
