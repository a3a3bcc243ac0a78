import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import { CachedFile } from '../../../src/shared/cachedFile';
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
});
