import assert from 'node:assert/strict';
import fs, { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import { CachedFile, lookAhead } from '../../../src/shared/cachedFile';
import { FileBlobStore } from '../../../src/shared/fileBlobStore';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';

describe('a file that others write', () => {
  const folder = temporaryFolder();
  let path = '';
  let now = 1000;
  let count = 0;

  beforeEach(() => {
    count += 1;
    path = join(folder(), `state ${String(count)}`, 'file.json');
    mock.method(performance, 'now', () => now);
  });
  afterEach(() => {
    mock.restoreAll();
  });

  const made = async (text: string): Promise<void> => new FileBlobStore(path).update(() => Promise.resolve(text));

  it('is read as it is now', async () => {
    const file = new CachedFile(path);
    assert.equal(file.read(), undefined);
    await made('one');
    assert.equal(file.read(), 'one');
    writeFileSync(path, 'another');
    assert.equal(file.read(), 'another');
    rmSync(path);
    assert.equal(file.read(), undefined);
  });

  it('may be up to 5 ms old where that is enough, and no older', async () => {
    const file = new CachedFile(path);
    assert.equal(file.read(true), undefined);
    await made('one');
    now += 4.9;
    assert.equal(file.read(true), undefined);
    now += 0.1;
    assert.equal(file.read(true), 'one');
    rmSync(path);
    now += 4.9;
    assert.equal(file.read(true), 'one');
    now += 0.1;
    assert.equal(file.read(true), undefined);
  });

  it('is never older than what was read before', async () => {
    await made('one');
    const file = new CachedFile(path);
    assert.equal(file.read(true), 'one');
    writeFileSync(path, 'another');
    assert.equal(file.read(), 'another');
    assert.equal(file.read(true), 'another');
  });

  it('is never older than what was written by the same object', async () => {
    const store = new FileBlobStore(path);
    assert.equal(store.read(true), undefined);
    await store.update(() => Promise.resolve('one'));
    assert.equal(store.read(true), 'one');
  });

  it('that cannot be read is not taken for what it was', async () => {
    await made('one');
    const file = new CachedFile(join(path, '..'));
    await refusal('storeFailed', () => file.read(true));
    await refusal('storeFailed', () => file.read(true));
  });

  it('is looked at ahead where calls ask for it, and need not be by the next call', async () => {
    await made('one');
    const file = new CachedFile(path);
    assert.equal(file.read(true), 'one');
    writeFileSync(path, 'another');
    now += 2.5;
    assert.equal(file.read(true), 'one');
    lookAhead();
    assert.equal(file.read(true), 'another');
    writeFileSync(path, 'the third one');
    now += 4.9;
    assert.equal(file.read(true), 'another', 'the look ahead counts as one');
    now += 0.1;
    assert.equal(file.read(true), 'the third one');
  });

  it('is not looked at ahead if it was looked at just now', async () => {
    await made('one');
    const file = new CachedFile(path);
    assert.equal(file.read(true), 'one');
    writeFileSync(path, 'another');
    now += 2;
    lookAhead();
    assert.equal(file.read(true), 'one');
    now += 0.5;
    lookAhead();
    assert.equal(file.read(true), 'another', 'but after half of the time');
  });

  it('is not looked at ahead where nobody has asked for it since', async () => {
    await made('one');
    const file = new CachedFile(path);
    assert.equal(file.read(), 'one');
    writeFileSync(path, 'another');
    now += 3;
    lookAhead();
    assert.equal(file.read(true), 'one', 'only who needs it as it is now has asked');
    now += 1;
    lookAhead();
    assert.equal(file.read(true), 'another');
    now += 3;
    lookAhead();
    writeFileSync(path, 'the third one');
    now += 3;
    lookAhead();
    assert.equal(file.read(true), 'another', 'nobody has asked after the last look ahead');
  });

  it('that is not there is looked at ahead, too', async () => {
    const file = new CachedFile(path);
    assert.equal(file.read(true), undefined);
    await made('one');
    now += 3;
    assert.equal(file.read(true), undefined);
    lookAhead();
    assert.equal(file.read(true), 'one');
    rmSync(path);
    now += 3;
    lookAhead();
    assert.equal(file.read(true), undefined);
  });

  it('that cannot be read is told by the next read, not by a look ahead, which goes on to the others', async () => {
    await made('one');
    const file = new CachedFile(path);
    const otherPath = `${path} too`;
    writeFileSync(otherPath, 'one');
    const other = new CachedFile(otherPath);
    assert.deepEqual([file.read(true), other.read(true)], ['one', 'one']);
    rmSync(path);
    mkdirSync(path);
    writeFileSync(otherPath, 'another');
    now += 3;
    lookAhead();
    await refusal('storeFailed', () => file.read(true));
    assert.equal(other.read(true), 'another');
    now += 3;
    lookAhead();
    await refusal('storeFailed', () => file.read(true));
    await refusal('storeFailed', () => file.read());
    rmSync(path, { recursive: true });
    writeFileSync(path, 'again');
    lookAhead();
    assert.equal(file.read(true), 'again');
  });

  it('that has become open to others is refused after a look ahead as without one', async function () {
    if (process.platform === 'win32') this.skip();
    await made('one');
    const file = new CachedFile(path, { own: true });
    assert.equal(file.read(true), 'one');
    chmodSync(path, 0o666);
    now += 3;
    lookAhead();
    await refusal('tooOpen', () => file.read(true));
    chmodSync(path, 0o600);
    assert.equal(file.read(true), 'one');
  });

  describe('on a system that stamps with a time that it renews now and then', () => {
    /** What the system stamps with, in ns. */
    let stamp = 0n;
    let reads: () => number;

    beforeEach(() => {
      stamp = 1_800_000_000_004_000_000n;
      const { statSync, readFileSync } = fs;
      mock.method(fs, 'statSync', (...args: Parameters<typeof statSync>) => {
        const stats = statSync(...args) as BigIntStats | undefined;
        return stats === undefined ? undefined : Object.assign(stats, { ctimeNs: stamp, mtimeNs: stamp });
      });
      const read = mock.method(fs, 'readFileSync', readFileSync);
      reads = () => read.mock.callCount();
    });

    for (const [what, at, tick] of [
      ['milliseconds', 1_800_000_000_004_000_000n, 50],
      ['whole seconds', 1_800_000_000_000_000_000n, 2_100],
    ] as const) {
      it(`is read as it is now, though it is written twice in one moment of ${what}`, () => {
        stamp = at;
        mkdirSync(join(path, '..'), { mode: 0o700 });
        writeFileSync(path, 'one');
        const file = new CachedFile(path);
        for (const text of ['one', 'two', 'six', 'ten']) {
          writeFileSync(path, text);
          assert.equal(file.read(), text);
          now += tick / 4 - 1;
        }
      });

      it(`is read once more when the moment of ${what} is over, and not again until it changes`, () => {
        stamp = at;
        mkdirSync(join(path, '..'), { mode: 0o700 });
        writeFileSync(path, 'one');
        const file = new CachedFile(path);
        for (const change of [0n, 1_000_000_000n]) {
          stamp += change;
          const before = reads();
          assert.equal(file.read(), 'one');
          now += tick;
          for (let look = 0; look < 3; look += 1) assert.equal(file.read(), 'one');
          assert.equal(reads() - before, 2);
        }
      });
    }

    it('is refused when others can get at it within the same moment', async function () {
      if (process.platform === 'win32') this.skip();
      await made('one');
      const file = new CachedFile(path, { own: true });
      assert.equal(file.read(), 'one');
      chmodSync(path, 0o666);
      await refusal('tooOpen', () => file.read());
    });
  });
});
