import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstLine } from './children';
import type { Child, Children } from './children';
import type { Endpoint } from './session';
import { median } from './stats';
import { projectRoot } from './workplace';
import type { TemporaryFolders } from './workplace';

const cli = join(projectRoot, 'dist/cli.js');
const serverName = 'echo';
const secretLength = 40;

/** How many of its own starts `serve` is timed over. */
const starts = 5;

/** A `serve` that is up: where it is reached, and the median time from spawning to its line. */
export interface RunningServe {
  readonly child: Child;
  readonly endpoint: Endpoint;
  readonly readyMilliseconds: number;
  /** The same for a Node that does nothing: what of that is not ours. */
  readonly bareMilliseconds: number;
  /** What the upstream must have received, by header or environment variable: the length of each. */
  readonly injected: Readonly<Record<string, number>>;
  /** Gives one of its secrets a new value, as a user would while it runs. */
  readonly rotate: () => Promise<void>;
}

/** Whether there is a build of the command line to measure. */
export function isBuilt(): boolean {
  return existsSync(cli);
}

/** `serve` in front of an HTTP upstream that gets three secrets: two as headers, one as a bearer token. */
export function startHttp(children: Children, folders: TemporaryFolders, upstreamUrl: string): Promise<RunningServe> {
  return start(children, folders, {
    add: ['--url', upstreamUrl, '--secret', 'BENCH_A', '--secret', 'BENCH_B=bearer', '--secret', 'BENCH_C=header'],
    injected: {
      'x-mcp-secret-bench-a': secretLength,
      authorization: 'Bearer '.length + secretLength,
      'x-mcp-secret-bench-c': secretLength,
    },
  });
}

/** `serve` in front of a stdio upstream that gets three secrets in its environment. */
export function startStdio(children: Children, folders: TemporaryFolders, upstream: readonly string[]): Promise<RunningServe> {
  return start(children, folders, {
    add: ['--secret', 'BENCH_A', '--secret', 'BENCH_B', '--secret', 'BENCH_C', '--', process.execPath, ...upstream],
    injected: { BENCH_A: secretLength, BENCH_B: secretLength, BENCH_C: secretLength },
  });
}

/** Every call is judged, and allowed by the second of two rules. */
function addPolicy(serversFile: string): void {
  const file = JSON.parse(readFileSync(serversFile, 'utf8')) as { servers: Record<string, object> };
  const rules = [
    { tools: 'delete_*', action: 'deny' },
    { tools: ['echo', 'credentials'], action: 'allow', arguments: { type: 'object' } },
  ];
  file.servers[serverName] = { ...file.servers[serverName], policy: { default: 'deny', rules } };
  writeFileSync(serversFile, JSON.stringify(file, undefined, 2));
}

async function start(
  children: Children,
  folders: TemporaryFolders,
  server: { readonly add: readonly string[]; readonly injected: RunningServe['injected'] },
): Promise<RunningServe> {
  const env = { ...process.env, MCP_SECRETS_HOME: folders.make() };
  const workspace = folders.make();
  const set = (name: string): Promise<void> =>
    children.run([cli, 'secret', 'set', name, '--workspace', workspace], randomBytes(secretLength / 2).toString('hex'), env);
  for (const name of ['BENCH_A', 'BENCH_B', 'BENCH_C']) {
    await set(name);
  }
  // `--workspace` comes first: what follows `--` is the upstream's.
  await children.run([cli, 'server', 'add', serverName, '--workspace', workspace, ...server.add], '', env);

  addPolicy(join(workspace, '.vscode', 'mcp-secrets.json'));
  await children.run([cli, 'server', 'approve', serverName, '--workspace', workspace], '', env);

  const times: number[] = [];
  const bareTimes: number[] = [];
  for (;;) {
    const bareStartedAt = performance.now();
    await children.run(['-e', '0'], '', env);
    bareTimes.push(performance.now() - bareStartedAt);
    const startedAt = performance.now();
    const child = children.start([cli, 'serve', '--workspace', workspace], { env });
    const line = JSON.parse(await firstLine(child)) as { url: string; token: string };
    times.push(performance.now() - startedAt);
    if (times.length < starts) {
      await children.stop(child);
      continue;
    }
    return {
      child,
      endpoint: { url: `${line.url}/mcp/${serverName}`, headers: { Authorization: `Bearer ${line.token}` } },
      readyMilliseconds: median(times),
      bareMilliseconds: median(bareTimes),
      injected: server.injected,
      rotate: () => set('BENCH_A'),
    };
  }
}
