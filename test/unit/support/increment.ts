import { FileBlobStore } from '../../../src/shared/fileBlobStore';

// A process of its own: adds 1 to the number in a file, many times. Arguments: file, times.
const [path = '', times = '0'] = process.argv.slice(2);
const store = new FileBlobStore(path);

async function run(): Promise<void> {
  for (let i = 0; i < Number(times); i += 1) await store.update((text) => Promise.resolve(String(Number(text ?? '0') + 1)));
}

void run();
