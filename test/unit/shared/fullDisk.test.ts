import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileBlobStore } from '../../../src/shared/fileBlobStore';
import { FileTreeStore } from '../../../src/shared/fileTreeStore';
import { refusal } from '../support/errors';
import { smallDisk } from '../support/smallDisk';

/** The paths of all files below a folder, with what is in them. */
function everythingIn(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.sort().map((file) => [file, readFileSync(file, 'latin1')]));
}

describe('a disk that', () => {
  const disk = smallDisk();
  let folder = '';
  beforeEach(() => {
    folder = join(disk.path(), 'own');
    mkdirSync(folder, { mode: 0o700 });
  });
  afterEach(() => {
    disk.setReadOnly(false);
    rmSync(join(disk.path(), 'filler'), { force: true });
    rmSync(folder, { recursive: true, force: true });
  });

  const fillUp = (left: number): void => {
    // Page by page: what does not fit is cut off.
    try {
      writeFileSync(join(disk.path(), 'filler'), Buffer.alloc(64 * 1024));
    } catch {
      writeFileSync(join(disk.path(), 'filler'), Buffer.alloc(0));
    }
    const used = Object.values(everythingIn(folder)).reduce((sum, text) => sum + Math.ceil(text.length / 4096) * 4096, 0);
    writeFileSync(join(disk.path(), 'filler'), Buffer.alloc(64 * 1024 - used - left));
  };

  const tree = async (): Promise<FileTreeStore> => {
    const store = new FileTreeStore(join(folder, 'vault.json'));
    await store.update(() => Promise.resolve({ head: '1', parts: new Map([['a', 'part a']]), names: ['a'] }));
    return store;
  };

  for (const left of [0, 4096, 8192, 16_384]) {
    it(`is full (${String(left)} bytes left) changes nothing of a tree, which goes on when there is room`, async () => {
      const store = await tree();
      const before = everythingIn(folder);
      fillUp(left);
      const big = {
        head: '2'.repeat(10_000),
        parts: new Map(['b', 'c'].map((name) => [name, name.repeat(5_000)])),
        names: ['a', 'b', 'c'],
      };
      const error = await refusal('storeFailed', () => store.update(() => Promise.resolve(big)));
      assert.deepEqual([error.details.reason, everythingIn(folder)], ['ENOSPC', before]);
      assert.equal(store.read(), '1');
      rmSync(join(disk.path(), 'filler'));
      await store.update(() => Promise.resolve(big));
      assert.deepEqual([store.read(), store.part('c'), store.previous()], [big.head, 'c'.repeat(5_000), '1']);
    });
  }

  it('is full changes nothing of a document', async () => {
    const store = new FileBlobStore(join(folder, 'approvals.json'));
    await store.update(() => Promise.resolve('1'));
    const before = everythingIn(folder);
    fillUp(4096);
    await refusal('storeFailed', () => store.update(() => Promise.resolve('2'.repeat(10_000))));
    assert.deepEqual(everythingIn(folder), before);
  });

  it('cannot be written changes nothing, and what is there can be read', async () => {
    const [store, document] = [await tree(), new FileBlobStore(join(folder, 'approvals.json'))];
    await document.update(() => Promise.resolve('1'));
    const before = everythingIn(folder);
    disk.setReadOnly(true);
    for (const act of [
      () => store.update(() => Promise.resolve({ head: '2', parts: new Map(), names: [] })),
      () => store.archive(),
      () => store.destroy(),
      () => document.update(() => Promise.resolve('2')),
    ]) {
      const error = await refusal('storeFailed', act);
      assert.equal(error.details.reason, 'EROFS');
    }
    assert.deepEqual([store.read(), store.part('a'), document.read(), everythingIn(folder)], ['1', 'part a', '1', before]);
  });
});
