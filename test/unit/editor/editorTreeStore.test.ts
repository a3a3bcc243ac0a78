import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EditorTreeStore } from '../../../src/editor/stores/editorTreeStore';
import type { Commit } from '../../../src/shared/treeStore';
import { MemoryMemento } from '../support/editorState';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';

const KEY = 'tree/vault';

describe("a tree in the editor's storage", () => {
  const root = temporaryFolder();
  let count = 0;
  let folder = '';
  let memento = new MemoryMemento();
  const opened: EditorTreeStore[] = [];
  beforeEach(() => {
    count += 1;
    folder = join(root(), `case ${String(count)}`);
    memento = new MemoryMemento();
  });
  afterEach(() => {
    for (const store of opened.splice(0)) store.dispose();
  });

  /** A window on the workspace; each has a state of its own. */
  function open(state = memento): EditorTreeStore {
    const generationOf = (head: string): number => Number(/^\{"generation":(\d+)/.exec(head)?.[1] ?? 0);
    const store = new EditorTreeStore({ memento: state, folder, name: 'vault', generationOf });
    opened.push(store);
    return store;
  }

  const head = (generation: number, more = ''): string => `{"generation":${String(generation)}${more}}`;

  /** Writes a generation of which one part is new. */
  const put = (store: EditorTreeStore, generation: number, size = 10, ...earlier: string[]): Promise<void> =>
    store.update(() => {
      const name = `p${String(generation)}`;
      return Promise.resolve({ head: head(generation), parts: new Map([[name, name.padEnd(size)]]), names: [...earlier, name] });
    });

  const loseFiles = (): void => {
    rmSync(folder, { recursive: true });
  };

  const copied = (state = memento): unknown => state.get<{ head: string }>(KEY)?.head;

  it('is in files that all windows share, and in the state of the one that wrote', async () => {
    const [one, otherState] = [open(), new MemoryMemento()];
    const two = open(otherState);
    assert.deepEqual([one.read(), two.read()], [undefined, undefined]);
    await put(one, 1);
    assert.deepEqual([two.read(), two.part('p1')?.trim()], [head(1), 'p1']);
    await put(two, 2, 10, 'p1');
    assert.deepEqual([one.read(), one.part('p2')?.trim(), one.previous()], [head(2), 'p2', head(1)]);
    assert.ok(Object.is(one.read(), one.read()));
    assert.deepEqual([copied(), copied(otherState)], [head(1), head(2)]);
  });

  it('loses no change of two windows', async () => {
    const stores = [open(), open(new MemoryMemento())];
    const add = (store: EditorTreeStore): Promise<void> =>
      store.update((text) => {
        const generation = Number(/\d+/.exec(text ?? '0')?.[0]) + 1;
        const name = `p${String(generation)}`;
        return Promise.resolve({ head: head(generation), parts: new Map([[name, name]]), names: [name] });
      });
    await Promise.all(Array.from({ length: 40 }, (_, i) => add(stores[i % 2] ?? open())));
    for (const store of stores) assert.deepEqual([store.read(), store.part('p40')], [head(40), 'p40']);
  });

  it('catches up with other windows when asked to write what is to be written', async () => {
    const [one, state] = [open(), new MemoryMemento()];
    const two = open(state);
    await put(one, 1);
    two.read();
    assert.equal(copied(state), undefined);
    await two.flush();
    assert.equal(copied(state), head(1));
  });

  it('comes back from the state when the files are lost, and into the files with the next change', async () => {
    await put(open(), 1);
    await put(open(), 2, 10, 'p1');
    loseFiles();
    const store = open();
    assert.deepEqual([store.read(), store.part('p1')?.trim(), store.part('p2')?.trim()], [head(2), 'p1', 'p2']);
    await put(store, 3, 10, 'p1');
    const other = open(new MemoryMemento());
    assert.deepEqual([other.read(), other.part('p1')?.trim(), other.part('p3')?.trim()], [head(3), 'p1', 'p3']);
  });

  it('comes back when the files were put back to an earlier state, or a single part was lost', async () => {
    await put(open(), 1);
    const earlier = new MemoryMemento();
    for (const [key, value] of memento.values) earlier.values.set(key, value);
    await put(open(), 2, 10, 'p1');
    loseFiles();
    await put(open(earlier), 1);
    assert.deepEqual([open().read(), open().part('p2')?.trim()], [head(2), 'p2']);
    await put(open(), 3, 10, 'p2');
    rmSync(join(folder, 'vault.parts', 'p2'));
    assert.equal(open().part('p2')?.trim(), 'p2');
    await put(open(), 4, 10, 'p2');
    assert.equal(open(new MemoryMemento()).part('p2')?.trim(), 'p2');
  });

  it('that is older in the state than in the files is taken from the files', async () => {
    const state = new MemoryMemento();
    await put(open(state), 1);
    await put(open(), 2);
    assert.equal(open(state).read(), head(2));
  });

  it('that is very large is in the files alone, and is copied again when it has become smaller', async () => {
    const store = open();
    await put(store, 1);
    await put(store, 2, 3 * 1024 * 1024);
    await store.flush();
    assert.equal(copied(), undefined);
    await put(store, 3);
    await store.flush();
    assert.equal(copied(), head(3));
    assert.equal(open(new MemoryMemento()).read(), head(3));
  });

  it('that is large is copied when nothing has changed for a while, or at the end', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const store = open();
      await put(store, 1, 300_000);
      await put(store, 2, 300_000, 'p1');
      await put(store, 3, 300_000, 'p2');
      const { writes } = memento;
      assert.equal(copied(), head(1));
      await store.flush();
      assert.deepEqual([copied(), memento.writes], [head(3), writes + 1]);
      await store.flush();
      assert.equal(memento.writes, writes + 1);
    } finally {
      mock.timers.reset();
    }
    loseFiles();
    assert.equal(open().part('p2')?.trim(), 'p2');
  });

  it('does not depend on the state', async () => {
    memento.failing = true;
    await put(open(), 1);
    assert.equal(open().read(), head(1));
    memento.failing = false;
    for (const nonsense of [7, 'text', null, {}, { generation: 9, head: 'x' }, { time: 1, generation: 9, head: 'x', parts: { a: 1 } }]) {
      memento.values.set(KEY, nonsense);
      assert.equal(open().read(), head(1));
    }
    loseFiles();
    assert.equal(open().read(), undefined);
  });

  it('stays as it is when the change fails or changes nothing', async () => {
    await put(open(), 1);
    const { writes } = memento;
    await open().update(() => Promise.resolve(undefined));
    await assert.rejects(
      open().update(() => Promise.reject(new Error('no'))),
      /^Error: no$/,
    );
    assert.deepEqual([open().read(), memento.writes], [head(1), writes]);
  });

  it('that is archived or destroyed does not come back, not even from another window', async () => {
    for (const act of ['archive', 'destroy'] as const) {
      const other = new MemoryMemento();
      await put(open(other), 1);
      await put(open(), 2, 10, 'p1');
      await open()[act]();
      for (const state of [memento, other]) assert.deepEqual([open(state).read(), open(state).part('p1')], [undefined, undefined]);
      await put(open(), 1);
      loseFilesBut('vault.cleared');
      assert.deepEqual([open().read(), open(other).read()], [head(1), undefined], 'the new one does come back');
      await open().destroy();
    }
    assert.deepEqual(readdirSync(folder), ['vault.cleared'], 'not vault.store.*, of which a change removes temporaries');
    assert.equal(memento.get(KEY), undefined);
  });

  function loseFilesBut(kept: string): void {
    for (const name of readdirSync(folder)) if (name !== kept) rmSync(join(folder, name), { recursive: true });
  }

  describe('that is destroyed while another window uses it', () => {
    let state = new MemoryMemento();
    let other = open(state);
    beforeEach(async () => {
      state = new MemoryMemento();
      other = open(state);
      await put(other, 1);
    });

    /** Begins a change, which holds the lock. @returns what ends it, with a new state or without. */
    function changing(store: EditorTreeStore): Promise<(commit?: Commit) => Promise<void>> {
      return new Promise((begun, failed) => {
        const change = store.update(
          () =>
            new Promise((commitWith) => {
              begun(async (commit) => {
                commitWith(commit);
                await change;
              });
            }),
        );
        change.catch(failed);
      });
    }

    async function staysAway(): Promise<void> {
      for (const store of [other, open(state)])
        assert.deepEqual([store.read(), store.part('p1'), store.part('p2')], [undefined, undefined, undefined]);
      let seen: string | undefined = 'nothing';
      await other.update((text) => {
        seen = text;
        return Promise.resolve(undefined);
      });
      assert.equal(seen, undefined);
      await put(open(), 1);
      assert.deepEqual([other.read(), open(state).read()], [head(1), head(1)], 'and does not hide the next one');
    }

    it('does not come back when that one was in the middle of a change', async () => {
      const end = await changing(other);
      const destroyed = open().destroy();
      await sleep(20);
      await end({ head: head(2), parts: new Map([['p2', 'p2']]), names: ['p2'] });
      await destroyed;
      await staysAway();
    });

    it('does not come back when that one made its copy while the lock was waited for', async () => {
      const end = await changing(open(new MemoryMemento()));
      await state.update(KEY, undefined);
      other.read();
      const destroyed = open().destroy();
      await sleep(20);
      await other.flush();
      await end();
      await destroyed;
      await staysAway();
    });

    it('does not come back when that one lives on its copy', async () => {
      loseFiles();
      assert.equal(other.read(), head(1));
      await open().destroy();
      await staysAway();
    });
  });

  it('that is destroyed does not come back, however the clock was set', async () => {
    const hour = 3_600_000;
    let offset = 0;
    const realNow = Date.now;
    const clock = mock.method(Date, 'now', () => realNow() + offset);
    try {
      const [ahead, between] = [new MemoryMemento(), new MemoryMemento()];
      offset = hour;
      await put(open(ahead), 1);
      offset = 0;
      await open().destroy();
      assert.equal(open(ahead).read(), undefined, 'copied while the clock was ahead');
      await put(open(between), 1);
      offset = -hour;
      await open().destroy();
      assert.deepEqual([open(ahead).read(), open(between).read()], [undefined, undefined], 'destroyed again after it was set back');
    } finally {
      clock.mock.restore();
    }
  });

  it('is copied again after it could not be destroyed', async function () {
    if (process.platform === 'win32') this.skip();
    await put(open(), 1);
    chmodSync(folder, 0o755);
    await refusal('tooOpen', () => open().destroy());
    chmodSync(folder, 0o700);
    await put(open(), 2, 10, 'p1');
    loseFilesBut('vault.cleared');
    assert.deepEqual([open().read(), open().part('p1')?.trim()], [head(2), 'p1']);
  });

  it('is not copied while it is being destroyed, until it is clear that a crash has cut that short', async () => {
    await put(open(), 1);
    const mark = (time: number): void => {
      writeFileSync(join(folder, 'vault.cleared'), `under way since ${String(time)}`);
    };
    mark(Date.now());
    const store = open();
    await put(store, 2);
    assert.equal(copied(), head(1));
    writeFileSync(join(folder, 'vault.cleared'), 'done');
    await store.flush();
    assert.equal(copied(), head(2));
    mark(Date.now() - 120_000);
    await put(open(), 3);
    assert.equal(copied(), head(3));
    loseFilesBut('vault.cleared');
    assert.equal(open().read(), head(3));
  });

  it('whose copy has become void is copied again', async () => {
    await put(open(), 1);
    writeFileSync(join(folder, 'vault.cleared'), 'another');
    const store = open();
    assert.equal(store.read(), head(1));
    await store.flush();
    loseFilesBut('vault.cleared');
    assert.equal(open().read(), head(1));
  });

  it('that was destroyed when that was noted as a time does not come back, and later copies count', async () => {
    const time = Date.now();
    const before = { time, generation: 9, head: head(9), parts: {} };
    const after = { ...before, time: time + 1 };
    const read = (copy: unknown): string | undefined => {
      const state = new MemoryMemento();
      state.values.set(KEY, copy);
      return open(state).read();
    };
    mkdirSync(folder, { mode: 0o700 });
    assert.deepEqual([read(before), read(after)], [head(9), head(9)], 'nothing was destroyed');
    writeFileSync(join(folder, 'vault.store.cleared'), String(time));
    assert.deepEqual([read(before), read(after)], [undefined, head(9)]);
    await put(open(), 1);
    loseFilesBut('vault.store.cleared');
    assert.equal(open().read(), head(1));
    await open().destroy();
    assert.deepEqual([read(before), read(after), read({ ...before, time: 2 * time }), open().read()], Array(4).fill(undefined));
  });

  it('whose files are lost is archived whole', async () => {
    await put(open(), 1);
    loseFiles();
    const place = await open().archive();
    assert.deepEqual(readdirSync(place).sort(), ['vault.parts', 'vault.store']);
    assert.ok(existsSync(join(place, 'vault.parts', 'p1')));
    assert.equal(open().read(), undefined);
  });

  describe('of version 0.1', () => {
    const first = '{"format":1,"secrets":[]}';
    const inFile = (text: string): void => {
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(join(folder, 'vault.store'), text, { mode: 0o600 });
    };

    it('is taken over from the file, and stays as the one before', async () => {
      inFile(`12\n${first}`);
      await memento.update('store/vault', `12\n${first}`);
      const store = open();
      assert.equal(store.read(), first);
      let seen: string | undefined;
      await store.update((text) => {
        seen = text;
        return Promise.resolve({ head: head(1), parts: new Map(), names: [] });
      });
      assert.deepEqual([seen, open().read(), open().previous()], [first, head(1), first]);
      assert.equal(memento.get('store/vault'), undefined);
    });

    it('is taken from the state where that is newer, or all there is', async () => {
      await memento.update('store/vault', `13\n${first}`);
      assert.equal(open().read(), first);
      inFile('12\nolder');
      assert.equal(open().read(), first);
      assert.equal(open(new MemoryMemento()).read(), 'older');
    });

    it('that is left in the state of another window is passed over', async () => {
      await put(open(), 1);
      const other = new MemoryMemento();
      await other.update('store/vault', `99\n${first}`);
      assert.equal(open(other).read(), head(1));
      await open().destroy();
      assert.equal(open(other).read(), undefined);
    });
  });

  it('that cannot be written is refused, and the copy stays', async () => {
    await put(open(), 1);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'in the way');
    for (const act of [() => put(open(), 2), () => open().archive(), () => open().destroy()]) await refusal('storeFailed', act);
    assert.equal(copied(), head(1));
    rmSync(folder);
    assert.equal(open().read(), head(1));
  });
});
