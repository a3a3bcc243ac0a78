import { FileBlobStore } from '../../../src/shared/fileBlobStore';

// A process of its own: says "held" while it holds the lock of a file, and never lets go.
const [path = ''] = process.argv.slice(2);

void new FileBlobStore(path).update(() => {
  process.stdout.write('held\n');
  return new Promise(() => setInterval(() => undefined, 1000));
});
