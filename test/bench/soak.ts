/**
 * `npm run soak`: a million calls, half of them to an HTTP and half to a stdio upstream, with a new value for one of the three
 * secrets every 10,000. Every answer is checked. Fails if one is wrong, or if at the end the proxy holds more than a tenth more
 * memory than after its first 50,000 calls.
 *
 *     npm run soak -- [--calls N] [--every N] [--in-flight N]
 */
import { readFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { Children } from './children';
import { startUpstream } from './contestants';
import { Load } from './load';
import { startHttp, startStdio } from './ours';
import type { RunningServe } from './ours';
import { buildPrograms, TemporaryFolders } from './workplace';

/** Calls after which memory is looked at for the first time. */
const settled = 50_000;
/** How much more there may be at the end. */
const growth = 1.1;

interface Plan {
  readonly calls: number;
  readonly every: number;
  readonly inFlight: number;
}

/** What was seen of one proxy. */
interface Course {
  readonly name: string;
  /** Megabytes by number of calls. */
  readonly memory: Map<number, number>;
}

function planFrom(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      calls: { type: 'string', default: '1000000' },
      every: { type: 'string', default: '10000' },
      'in-flight': { type: 'string', default: '32' },
    },
  });
  return { calls: Number(values.calls), every: Number(values.every), inFlight: Number(values['in-flight']) };
}

/** What a process holds now, in megabytes (VmRSS; Linux). */
function megabytes(child: ChildProcess): number {
  const status = readFileSync(`/proc/${String(child.pid)}/status`, 'utf8');
  return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6;
}

/** Calls one proxy so many times. */
async function soak(name: string, serve: RunningServe, load: Load, { calls, every, inFlight }: Plan): Promise<Course> {
  const memory = new Map<number, number>();
  await load.open(name, serve.endpoint);
  for (let done = 0; done < calls;) {
    // While calls are under way: nobody waits for a rotation.
    await Promise.all([load.run(name, { warmup: 0, calls: every, inFlight }), serve.rotate()]);
    done += every;
    if (done % settled !== 0 && done < calls) continue;
    memory.set(done, megabytes(serve.child));
    process.stderr.write(`soak: ${name}: ${String(done)} calls, ${(memory.get(done) ?? 0).toFixed(1)} MB\n`);
  }
  await load.close(name);
  return { name, memory };
}

/** Whether memory stayed where it was; says so. */
function stayed({ name, memory }: Course): boolean {
  const [first, last] = [[...memory.values()][0] ?? 0, [...memory.values()].at(-1) ?? 0];
  const [[after]] = [[...memory.keys()]];
  console.log(
    `${name}: ${String([...memory.keys()].at(-1))} calls, no error; ${first.toFixed(1)} MB after ${String(after)}, ${last.toFixed(1)} MB at the end (${(last / first).toFixed(3)})`,
  );
  return last <= first * growth;
}

async function main(): Promise<void> {
  const plan = planFrom(process.argv.slice(2));
  const children = new Children();
  const folders = new TemporaryFolders();
  process.on('exit', () => {
    children.killAll();
    folders.remove();
  });
  process.on('SIGINT', () => process.exit(130));
  try {
    const programs = await buildPrograms();
    const load = new Load(children, programs.loadWorker);
    const half = { ...plan, calls: plan.calls / 2 };
    const http = await startHttp(children, folders, await startUpstream(children, programs));
    const stdio = await startStdio(children, folders, [programs.echoServer, '--stdio']);
    const courses = [await soak('http', http, load, half), await soak('stdio', stdio, load, half)];
    if (!courses.map(stayed).every(Boolean)) process.exitCode = 1;
  } finally {
    await children.stopAll();
    folders.remove();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
