import { setTimeout as sleep } from 'node:timers/promises';
import { entry, FixedKeys, openLog } from './trails';

// A process of its own: records entries named "<name> <number>", says "half" when half of them are in the file.
// Arguments: file, name, how many.
const [path = '', name = '', times = '0'] = process.argv.slice(2);
const log = openLog(path, { keys: new FixedKeys(1), maxBytes: () => 50_000 });

async function run(): Promise<void> {
  for (let i = 0; i < Number(times); i += 1) {
    log.record(entry(`${name} ${String(i)}`));
    if (i === Number(times) / 2) {
      await log.flush();
      process.stdout.write('half\n');
    }
    // So that the processes take turns.
    if (i % 10 === 0) await sleep(1);
  }
  await log.close();
}

void run();
