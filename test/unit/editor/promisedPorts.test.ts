import * as assert from 'node:assert/strict';
import { PromisedPorts } from '../../../src/editor/stores/promisedPorts';
import { MemoryMemento } from '../support/editorState';
import { MemoryBlobStore } from '../support/memory';

describe('the ports that agents were told', () => {
  it('are none at first, and then all of them, the newest first', async () => {
    const ports = new PromisedPorts(new MemoryBlobStore(), new MemoryMemento());
    assert.deepEqual(ports.get(), []);
    for (const port of [5001, 5002, 5002, 5001]) await ports.add(port);
    assert.deepEqual(ports.get(), [5001, 5002]);
  });

  it('are eight at most', async () => {
    const ports = new PromisedPorts(new MemoryBlobStore(), new MemoryMemento());
    for (let port = 1; port <= 10; port += 1) await ports.add(port);
    assert.deepEqual(ports.get(), [10, 9, 8, 7, 6, 5, 4, 3]);
  });

  it('have that of version 0.1.0 among them', async () => {
    const former = new MemoryMemento();
    await former.update('proxy/port', 4711);
    const ports = new PromisedPorts(new MemoryBlobStore(), former);
    assert.deepEqual(ports.get(), [4711]);
    await ports.add(5001);
    assert.deepEqual(ports.get(), [5001, 4711]);
  });

  it('are none where something else was kept', async () => {
    for (const text of ['', 'x', '0', '-1', '65536', '1.5', '__proto__']) {
      const store = new MemoryBlobStore();
      await store.update(() => Promise.resolve(text));
      assert.deepEqual(new PromisedPorts(store, new MemoryMemento()).get(), [], text);
    }
  });
});
