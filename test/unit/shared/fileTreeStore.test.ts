import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { FileTreeStore } from '../../../src/shared/fileTreeStore';
import type { Commit } from '../../../src/shared/treeStore';
import { anyText } from '../support/arbitraries';
import { outcomeOf, refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';
import { bundled, ended, start } from '../support/processes';

type Parts = Readonly<Record<string, string>>;

/** A commit of these new parts, and names of earlier ones. */
function commit(head: string, parts: Parts = {}, ...earlier: string[]): Commit {
  return { head, parts: new Map(Object.entries(parts)), names: [...earlier, ...Object.keys(parts)] };
}

describe('a tree in files', () => {
  const folder = temporaryFolder();
  let count = 0;
  let path = '';
  let parts = '';
  beforeEach(() => {
    count += 1;
    path = join(folder(), `case ${String(count)}`, 'vault.json');
    parts = join(dirname(path), 'vault.parts');
  });

  const put = (store: FileTreeStore, ...args: Parameters<typeof commit>): Promise<void> =>
    store.update(() => Promise.resolve(commit(...args)));
  const files = (): string[] => readdirSync(dirname(path)).sort();

  it('that is not there is undefined, and reading makes nothing', () => {
    const store = new FileTreeStore(path);
    assert.deepEqual([store.read(), store.part('a'), store.previous(), store.names()], [undefined, undefined, undefined, []]);
    assert.ok(!existsSync(dirname(path)));
  });

  it('is kept as head, parts and the head before, for this user alone', async () => {
    const store = new FileTreeStore(path);
    await put(store, '1', { a: 'part a', b: 'part b' });
    await put(store, '2', { c: 'part ä\n' }, 'a');
    const other = new FileTreeStore(path);
    assert.deepEqual([other.read(), other.previous(), other.names()], ['2', '1', ['a', 'c']]);
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((name) => other.part(name)),
      ['part a', 'part b', 'part ä\n', undefined],
    );
    assert.deepEqual(files(), ['vault.json', 'vault.json.previous', 'vault.parts']);
    if (process.platform === 'win32') return;
    for (const file of [path, `${path}.previous`, join(parts, 'a')]) assert.equal(statSync(file).mode & 0o777, 0o600);
    for (const own of [dirname(path), parts]) assert.equal(statSync(own).mode & 0o777, 0o700);
  });

  it('keeps a part while the head or the one before needs it, and no longer', async () => {
    const store = new FileTreeStore(path);
    await put(store, '1', { a: '' });
    await put(store, '2', { b: '' });
    assert.deepEqual(readdirSync(parts).sort(), ['a', 'b']);
    await put(store, '3', { c: '' });
    assert.deepEqual(readdirSync(parts).sort(), ['b', 'c']);
    await put(store, '4', {}, 'c');
    await put(store, '5', {}, 'c');
    assert.deepEqual(readdirSync(parts), ['c']);
  });

  it('of format 1, a file with nothing but a document, is a head without parts', async () => {
    mkdirSync(dirname(path), { mode: 0o700 });
    const first = '{"format":1,"secrets":["parts a b"]}';
    writeFileSync(path, first, { mode: 0o600 });
    const store = new FileTreeStore(path);
    assert.deepEqual([store.read(), store.names()], [first, []]);
    await put(store, '{"format":2}', { a: '' });
    assert.deepEqual([store.read(), store.previous()], ['{"format":2}', first]);
  });

  it('gives back any head and any parts', async () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,64}$/);
    await fc.assert(
      fc.asyncProperty(
        anyText(0, 200),
        fc.dictionary(name, anyText(0, 200), { maxKeys: 5, noNullPrototype: true }),
        async (head, given) => {
          rmSync(dirname(path), { recursive: true, force: true });
          await put(new FileTreeStore(path), `{${head}`, given);
          const store = new FileTreeStore(path);
          assert.equal(store.read(), `{${head}`);
          assert.deepEqual([...store.names()].sort(), Object.keys(given).sort());
          for (const [key, text] of Object.entries(given)) assert.equal(store.part(key), text);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes no name for a part that leads out of its folder, to read or to write', async () => {
    const store = new FileTreeStore(path);
    await put(store, '1', { a: '' });
    for (const name of ['../vault.json', '..', '', 'A', 'a/b', 'a'.repeat(65), 'a\n']) {
      assert.equal(store.part(name), undefined);
      assert.ok((await outcomeOf(() => put(store, '2', { [name]: 'x' }))) instanceof Error, name);
    }
    assert.deepEqual([store.read(), readdirSync(parts)], ['1', ['a']]);
  });

  it('is the same object until it changes, also by another store and at the same size within the same moment', async () => {
    const [one, two] = [new FileTreeStore(path), new FileTreeStore(path)];
    for (let i = 0; i < 50; i += 1) {
      const head = String(i).padStart(5, '0').repeat(200);
      await put(one, head);
      assert.equal(two.read(), head);
      assert.ok(Object.is(two.read(), two.read()));
    }
  });

  it('stays as it is when the change fails or changes nothing', async () => {
    const store = new FileTreeStore(path);
    await put(store, '1', { a: 'x' });
    const before = files();
    await store.update(() => Promise.resolve(undefined));
    await assert.rejects(
      store.update(() => Promise.reject(new Error('no'))),
      /^Error: no$/,
    );
    assert.deepEqual([store.read(), store.previous(), files()], ['1', undefined, before]);
  });

  it('does not write over a part, and stays as it was then', async () => {
    const store = new FileTreeStore(path);
    await put(store, '1', { a: 'kept' });
    await refusal('storeFailed', () => put(store, '2', { b: 'new', a: 'other' }));
    assert.deepEqual([store.read(), store.part('a'), store.part('b')], ['1', 'kept', undefined]);
    assert.deepEqual(files(), ['vault.json', 'vault.parts']);
  });

  it('is cleared of what writers that died have left, by the next change', async () => {
    const store = new FileTreeStore(path);
    await put(store, '1', { a: '' });
    writeFileSync(join(parts, 'orphan'), '');
    writeFileSync(`${path}.0123456789ab.tmp`, '');
    writeFileSync(join(dirname(path), 'mine.tmp'), '');
    await put(store, '2', {}, 'a');
    assert.deepEqual(readdirSync(parts), ['a']);
    assert.deepEqual(files(), ['mine.tmp', 'vault.json', 'vault.json.previous', 'vault.parts']);
  });

  it('refuses to write when its lock was taken over meanwhile', async () => {
    const store = new FileTreeStore(path);
    await put(store, '1', { a: '' });
    const slow = store.update(async () => {
      // As if this process had stood still for a while: another one takes the lock for abandoned, and writes.
      const long = new Date(Date.now() - 60_000);
      utimesSync(`${path}.lock`, long, long);
      await put(new FileTreeStore(path), '2', { b: '' });
      return commit('3', { c: '' });
    });
    await refusal('storeBusy', () => slow);
    assert.equal(store.read(), '2');
    await put(store, '4', {}, 'b');
    assert.deepEqual(readdirSync(parts), ['b']);
  });

  describe('that others can get at', () => {
    before(function () {
      if (process.platform === 'win32') this.skip();
    });

    it('is refused, with the command that closes it', async () => {
      await put(new FileTreeStore(path), '1', { a: '' });
      for (const [what, open, closed, mayRead] of [
        [dirname(path), 0o750, 0o700, false],
        [path, 0o640, 0o600, false],
        [path, 0o602, 0o600, false],
        [parts, 0o701, 0o700, true],
      ] as const) {
        chmodSync(what, open);
        const store = new FileTreeStore(path);
        if (!mayRead) await refusal('tooOpen', () => store.read());
        const { message } = await refusal('tooOpen', () => put(store, '2', { b: '' }, 'a'));
        assert.match(message, new RegExp(`${basename(what)} can be read or written by others \\(mode 0${open.toString(8)}\\)`));
        assert.ok(message.includes(`Run "chmod ${closed.toString(8)} '${what}'"`), message);
        chmodSync(what, closed);
        assert.equal(store.read(), '1');
        assert.deepEqual(readdirSync(parts), ['a']);
      }
    });

    it('is refused when it belongs to another user', async function () {
      if (process.getuid?.() !== 0) this.skip();
      await put(new FileTreeStore(path), '1');
      chownSync(path, 65534, 0);
      const { message } = await refusal('tooOpen', () => new FileTreeStore(path).read());
      assert.match(message, /mode 0600, of user 65534.*chown "\$\(id -u\)"/);
    });
  });

  it('that is archived is moved aside whole, and the next one is new', async () => {
    const store = new FileTreeStore(path);
    await put(store, '1', { a: 'part a' });
    await put(store, '2', { b: 'part b' });
    const place = await store.archive();
    assert.deepEqual([store.read(), store.previous(), store.part('b')], [undefined, undefined, undefined]);
    assert.match(basename(place), /^vault\.archived-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/);
    await put(store, 'new', { c: '' });
    const archived = new FileTreeStore(join(place, 'vault.json'));
    assert.deepEqual([archived.read(), archived.previous(), archived.part('a'), archived.part('b')], ['2', '1', 'part a', 'part b']);
    assert.deepEqual([store.read(), store.part('b')], ['new', undefined]);
  });

  it('tells every head that is left, of archives, too, whatever cannot be read', async () => {
    const store = new FileTreeStore(path);
    assert.deepEqual(store.heads(), []);
    for (const head of ['1', '2']) await put(store, head);
    await store.archive();
    for (const head of ['3', '4']) await put(store, head);
    const unreadable = join(await store.archive(), 'vault.json');
    rmSync(unreadable);
    mkdirSync(unreadable);
    await put(store, '5');
    assert.deepEqual(store.heads().sort(), ['1', '2', '3', '5']);
  });

  it('tells no heads while it cannot tell what was moved aside', async () => {
    const store = new FileTreeStore(path);
    writeFileSync(dirname(path), '');
    const { details } = await refusal('storeFailed', () => store.heads());
    assert.deepEqual(details, { path: dirname(path), reason: 'ENOTDIR' });
  });

  it('that is destroyed leaves nothing, archives included', async () => {
    const store = new FileTreeStore(path);
    await put(store, '1', { a: '' });
    await store.archive();
    await put(store, '2', { b: '' });
    await put(store, '3', { c: '' });
    writeFileSync(`${path}.0123456789ab.tmp`, '3');
    writeFileSync(join(dirname(path), 'approvals.json'), '{}');
    await store.destroy();
    assert.deepEqual(files(), ['approvals.json']);
    assert.deepEqual([store.read(), store.previous()], [undefined, undefined]);
  });

  it('loses no change of two processes that make 1,000 each', async function () {
    this.timeout(300_000);
    const codes = await Promise.all([1, 2].map(() => ended(start('writeTree.ts', path, '1000', 'in turns'))));
    assert.deepEqual(codes, [0, 0]);
    const { count: changes, names } = JSON.parse(new FileTreeStore(path).read() ?? '{}') as { count: number; names: string[] };
    assert.equal(changes, 2_000);
    assert.ok(names.length === 8 && names.every((name) => new FileTreeStore(path).part(name)?.startsWith(name)));
    assert.ok(readdirSync(parts).length <= 9);
    assert.deepEqual(files(), ['vault.json', 'vault.json.previous', 'vault.parts']);
  });

  it('is whole after its writer was killed at any moment, 100 times', async function () {
    this.timeout(300_000);
    const program = bundled('writeTree.ts', folder());
    for (let i = 0; i < 100; i += 1) {
      const before = changesIn(path);
      const writer = start(program, path, '1000000');
      let said = before;
      let heard = '';
      const over = ended(writer);
      const begun = new Promise<void>((resolve) => {
        writer.stdout?.on('data', (chunk: Buffer) => {
          heard += chunk.toString();
          said = Number(heard.trimEnd().split('\n').at(-1));
          resolve();
        });
      });
      await begun;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
      writer.kill('SIGKILL');
      await over;
      const after = changesIn(path);
      assert.ok(after >= said && after <= said + 1, `${String(after)} is stored, ${String(said)} was acknowledged`);
      // What the dead writer held is free at once, as it would be some seconds later.
      rmSync(`${path}.lock`, { recursive: true, force: true });
    }
    await put(new FileTreeStore(path), '{"count":0,"names":[]}');
    await put(new FileTreeStore(path), '{"count":0,"names":[]}');
    assert.deepEqual(readdirSync(parts), []);
    assert.deepEqual(files(), ['vault.json', 'vault.json.previous', 'vault.parts']);
  });
});

/** How many changes a tree of `writeTree.ts` has had. All parts of it, and of the state before, must be there. */
function changesIn(path: string): number {
  const store = new FileTreeStore(path);
  const read = (head: string | undefined): number => {
    if (head === undefined) return 0;
    const { count, names } = JSON.parse(head) as { count: number; names: string[] };
    for (const name of names) assert.equal(store.part(name)?.length, name.length + 20_001, `part ${name}`);
    return count;
  };
  const previous = read(store.previous());
  const current = read(store.read());
  assert.ok(previous <= current);
  return current;
}
