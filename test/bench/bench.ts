/**
 * `npm run bench`: this proxy beside a direct connection, the least a proxy can do, and the peers, on the same
 * echo upstream in one run. Aims are reported as met or missed; only something broken fails the run.
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { activationMilliseconds, bundleSizes } from './bundles';
import { Children, peakMegabytes } from './children';
import { contestantNames, ours, peers, start, startUpstream } from './contestants';
import type { ContestantName, Running } from './contestants';
import { Load } from './load';
import { measure } from './measure';
import { parseOptions, usage } from './options';
import type { Options, Plan } from './options';
import { isBuilt } from './ours';
import { installPeers } from './peers';
import { asJson, asText } from './report';
import type { Report } from './report';
import { findingsOf, rowsOf } from './summary';
import { buildPrograms, TemporaryFolders } from './workplace';

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

function settingOf(plan: Plan): string {
  const cores = cpus();
  const machine = `${String(cores.length)} × ${cores[0]?.model ?? 'unknown CPU'}, node ${process.versions.node}`;
  const each = `${String(plan.sequential)} sequential and ${String(plan.concurrent)} calls ${String(plan.inFlight)} in flight`;
  return `${machine}; ${String(plan.rounds)} rounds of ${each} for each contestant`;
}

/** Makes sure that the secrets reach the upstream: a proxy that forgot them would be measured as faster. */
async function checkInjection(load: Load, name: ContestantName, injected: Running['injected']): Promise<void> {
  if (injected === undefined) {
    return;
  }
  const received = JSON.parse(await load.call(name, 'credentials', { names: Object.keys(injected) })) as Record<string, number>;
  for (const [secret, length] of Object.entries(injected)) {
    if (received[secret] !== length) {
      throw new Error(`${name}: the upstream received ${String(received[secret])} characters as ${secret}`);
    }
  }
}

/** Those of the asked contestants that can be measured here; says why in `notes` for the others. */
function available(only: readonly ContestantName[], notes: string[]): ContestantName[] {
  let names = [...only];
  if (!isBuilt() && names.some((name) => ours.includes(name))) {
    notes.push('no dist/cli.js, so the mcp-secrets rows are missing: run npm run build first');
    names = names.filter((name) => !ours.includes(name));
  }
  if (names.some((name) => peers.includes(name))) {
    installPeers(say);
    notes.push('the peers take stdio upstreams, so http is held against the best peer in any mode, see contestants.ts');
  }
  return names;
}

async function bench(options: Options, children: Children, folders: TemporaryFolders): Promise<Report> {
  const notes: string[] = [];
  const names = available(options.only, notes);
  const programs = await buildPrograms();
  const load = new Load(children, programs.loadWorker);
  const stage = { children, folders, programs, upstreamUrl: await startUpstream(children, programs) };
  const running = new Map<ContestantName, Running>();
  for (const name of names) {
    say(`starting ${name}`);
    const contestant = await start(name, stage);
    running.set(name, contestant);
    await load.open(name, contestant.endpoint);
    await checkInjection(load, name, contestant.injected);
  }
  const results = await measure(load, names, options.plan, say);
  const extras = {
    peakMegabytes: numbers(running, ({ child }) => (child === undefined ? undefined : peakMegabytes(child))),
    readyMilliseconds: numbers(running, (contestant) => contestant.readyMilliseconds),
    bareMilliseconds: numbers(running, (contestant) => contestant.bareMilliseconds),
    bundles: bundleSizes(),
    activationMilliseconds: activationMilliseconds(),
  };
  for (const name of names) {
    await load.close(name);
  }
  return {
    setting: settingOf(options.plan),
    rows: rowsOf(results, extras),
    findings: findingsOf(results, extras),
    notes,
  };
}

function numbers(
  running: ReadonlyMap<ContestantName, Running>,
  pick: (contestant: Running) => number | undefined,
): Map<ContestantName, number> {
  const picked = new Map<ContestantName, number>();
  for (const [name, contestant] of running) {
    const value = pick(contestant);
    if (value !== undefined) {
      picked.set(name, value);
    }
  }
  return picked;
}

/** Parses, or says how it is used and ends with 2. */
function optionsOrExit(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(usage);
    process.exit(2);
  }
}

/** Other things, each in a process of its own: what is kept, with thousands of secrets; all servers at one endpoint; large replies. */
async function benchOthers(children: Children): Promise<void> {
  await children.stopAll();
  for (const script of ['vault.ts', 'merged.ts', 'redaction.ts']) {
    say(script);
    console.log('');
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', join(import.meta.dirname, script)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) throw new Error(`${script} failed`);
  }
}

async function main(): Promise<void> {
  const options = optionsOrExit();
  const children = new Children();
  const folders = new TemporaryFolders();
  // However this process ends, short of SIGKILL, nothing stays behind.
  process.on('exit', () => {
    children.killAll();
    folders.remove();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(130));
  }
  try {
    const report = await bench(options, children, folders);
    console.log(options.json ? asJson(report) : asText(report));
    if (!options.json && options.only.length === contestantNames.length) await benchOthers(children);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  } finally {
    await children.stopAll();
    folders.remove();
  }
}

void main();
