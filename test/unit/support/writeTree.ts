import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileTreeStore } from '../../../src/shared/fileTreeStore';

// A process of its own: adds 1 to the number in the head of a tree store, many times, each time with a new part in place of
// one of eight. Says each number when it is stored. Arguments: file, times, and "in turns" if another one wants its turn, too.
const [path = '', times = '0', how = ''] = process.argv.slice(2);
const store = new FileTreeStore(path);

async function run(): Promise<void> {
  for (let i = 0; i < Number(times); i += 1) {
    let stored = 0;
    await store.update((head) => {
      const { count, names } = JSON.parse(head ?? '{"count":0,"names":[]}') as { count: number; names: string[] };
      stored = count + 1;
      const name = randomBytes(16).toString('hex');
      const next = [...names, name].slice(-8);
      const parts = new Map([[name, `${name} ${'x'.repeat(20_000)}`]]);
      return Promise.resolve({ head: JSON.stringify({ count: stored, names: next }), parts, names: next });
    });
    process.stdout.write(`${String(stored)}\n`);
    // Longer than who waits for the lock pauses between two tries, so that it cannot miss its turn until its patience ends.
    if (how === 'in turns' && i % 100 === 99) await sleep(200);
  }
}

void run();
