import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileBlobStore } from '../../../src/shared/fileBlobStore';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';
import { ended, said, start } from '../support/processes';

const increment = (text: string | undefined): Promise<string> => Promise.resolve(String(Number(text ?? '0') + 1));

describe('a document in a file', () => {
  const folder = temporaryFolder();
  let count = 0;
  let path = '';
  beforeEach(() => {
    count += 1;
    path = join(folder(), `case ${String(count)}`, 'state', 'document.json');
  });

  it('that is not there is undefined, and reading makes nothing', () => {
    assert.equal(new FileBlobStore(path).read(), undefined);
    assert.ok(!existsSync(join(path, '..')));
  });

  it('is written whole, for this user alone, with the one before beside it and nothing else', async () => {
    const store = new FileBlobStore(path);
    await store.update(() => Promise.resolve('text ä\n'));
    assert.equal(store.read(), 'text ä\n');
    assert.equal(readFileSync(path, 'utf8'), 'text ä\n');
    assert.deepEqual(readdirSync(join(path, '..')), ['document.json']);
    await store.update(() => Promise.resolve('next'));
    assert.deepEqual(readdirSync(join(path, '..')), ['document.json', 'document.json.previous']);
    assert.equal(readFileSync(`${path}.previous`, 'utf8'), 'text ä\n');
    if (process.platform === 'win32') return;
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
    assert.equal(statSync(join(path, '../..')).mode & 0o777, 0o700);
  });

  it('that others can get at is refused and stays as it is', async function () {
    if (process.platform === 'win32') this.skip();
    const store = new FileBlobStore(path);
    await store.update(increment);
    chmodSync(path, 0o644);
    await refusal('tooOpen', () => store.read());
    await refusal('tooOpen', () => store.update(increment));
    chmodSync(path, 0o600);
    chmodSync(join(path, '..'), 0o770);
    await refusal('tooOpen', () => store.update(increment));
    await refusal('tooOpen', () => new FileBlobStore(path).read());
    chmodSync(join(path, '..'), 0o700);
    assert.equal(store.read(), '1');
  });

  it('is the same object until it changes, and is read again when another object has changed it', async () => {
    const [one, two] = [new FileBlobStore(path), new FileBlobStore(path)];
    await one.update(() => Promise.resolve('a'.repeat(1000)));
    assert.ok(Object.is(two.read(), two.read()));
    await one.update(() => Promise.resolve('b'.repeat(1000)));
    assert.equal(two.read(), 'b'.repeat(1000));
  });

  it('stays as it is when the change fails or changes nothing', async () => {
    const store = new FileBlobStore(path);
    await store.update(() => Promise.resolve('kept'));
    const { mtimeMs } = statSync(path);
    await store.update(() => Promise.resolve(undefined));
    await assert.rejects(
      store.update(() => Promise.reject(new Error('no'))),
      /^Error: no$/,
    );
    assert.equal(store.read(), 'kept');
    assert.equal(statSync(path).mtimeMs, mtimeMs);
    await store.update(() => Promise.resolve('and not locked'));
    assert.equal(store.read(), 'and not locked');
  });

  it('loses no change of two objects in one process', async () => {
    const stores = [new FileBlobStore(path), new FileBlobStore(path)];
    await Promise.all(stores.flatMap((store) => Array.from({ length: 15 }, () => store.update(increment))));
    assert.deepEqual(
      stores.map((store) => store.read()),
      ['30', '30'],
    );
  });

  it('loses no change of several processes', async function () {
    this.timeout(60_000);
    const codes = await Promise.all(Array.from({ length: 4 }, () => ended(start('increment.ts', path, '50'))));
    assert.deepEqual(codes, [0, 0, 0, 0]);
    assert.equal(new FileBlobStore(path).read(), '200');
    assert.deepEqual(readdirSync(join(path, '..')), ['document.json', 'document.json.previous']);
  });

  it('can be changed after a process died with the lock in its hands', async function () {
    this.timeout(60_000);
    const store = new FileBlobStore(path);
    await store.update(() => Promise.resolve('1'));
    const holder = start('holdLock.ts', path);
    await said(holder, 'held');
    const over = ended(holder);
    holder.kill('SIGKILL');
    await over;
    assert.ok(existsSync(`${path}.lock`));
    // As if some time had passed since the process died.
    utimesSync(`${path}.lock`, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
    await store.update(increment);
    assert.equal(store.read(), '2');
    assert.ok(!existsSync(`${path}.lock`));
  });

  it('that cannot be written is refused and stays as it is', async () => {
    const inTheWay = join(folder(), 'a file');
    writeFileSync(inTheWay, 'mine');
    const below = new FileBlobStore(join(inTheWay, 'document.json'));
    const error = await refusal('storeFailed', () => below.update(() => Promise.resolve('x')));
    assert.equal(error.details.path, join(inTheWay, 'document.json'));
    assert.equal(below.read(), undefined);
    assert.equal(readFileSync(inTheWay, 'utf8'), 'mine');
  });

  it('that cannot be put in place leaves nothing behind', async () => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const store = new FileBlobStore(path);
    let asked = false;
    await refusal('storeFailed', () =>
      store.update(() => {
        asked = true;
        return Promise.resolve('x');
      }),
    );
    assert.ok(!asked);
    assert.deepEqual(readdirSync(join(path, '..')), ['document.json']);
    assert.deepEqual(readdirSync(path), []);
  });
});
