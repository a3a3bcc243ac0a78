/**
 * A large vault: 10,000 secrets with 3 versions each, in files, as the command line keeps them. Part of `npm run bench`;
 * alone: `npx tsx test/bench/vault.ts`. Aims are reported as met or missed.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openHeadless } from '../../src/cli/headless';
import type { Headless } from '../../src/cli/headless';
import { silentLogger } from '../../src/shared/logger';
import type { SecretSnapshot } from '../../src/vault/secret';
import type { Vault } from '../../src/vault/vault';
import { table } from './report';
import { percentile, ratioByRound } from './stats';

const LARGE = 10_000;
const SMALL = 10;
const VERSIONS = 3;
const SETS = 200;

/** What was measured. */
interface Line {
  readonly what: string;
  readonly value: string;
  readonly aim?: { readonly text: string; readonly met: boolean };
}

function secrets(count: number): SecretSnapshot[] {
  return Array.from({ length: count }, (_, i) => ({
    scope: 'workspace',
    name: `SECRET_${String(i)}`,
    createdAt: 1,
    versions: Array.from({ length: VERSIONS }, (_, v) => ({
      version: v + 1,
      createdAt: v + 1,
      value: Buffer.from(`a token of usual length, number ${String(i)}, version ${String(v)}`),
    })),
  }));
}

/** As a process that starts: nothing is in memory. */
function opened(folder: string): Headless {
  return openHeadless(folder, { MCP_SECRETS_HOME: join(folder, 'state') }, silentLogger);
}

async function timed(act: () => unknown): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** Times of single sets, in turns with the other vault: whatever the machine does meanwhile happens to both. */
async function setTimes(large: Vault, small: Vault): Promise<{ large: number[]; small: number[] }> {
  const times = { large: [] as number[], small: [] as number[] };
  for (let i = 0; i < SETS; i += 1) {
    const set = (vault: Vault, of: number): Promise<number> =>
      timed(() => vault.set(`SECRET_${String((i * 47) % of)}`, Buffer.from(`another value ${String(i)}`), 'cli'));
    times.small.push(await set(small, SMALL));
    times.large.push(await set(large, LARGE));
  }
  return times;
}

/** The longest time in ms that nothing else could run. */
async function stallDuring(act: () => Promise<unknown>): Promise<number> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await act();
  // The last one is seen by the next tick.
  await new Promise((resolve) => setTimeout(resolve, 5));
  delays.disable();
  return delays.max / 1e6;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}

async function measured(folder: string): Promise<Line[]> {
  const [largeFolder, smallFolder] = ['large', 'small'].map((name) => join(folder, name));
  if (largeFolder === undefined || smallFolder === undefined) return [];
  for (const path of [largeFolder, smallFolder]) mkdirSync(path);
  const filling = opened(largeFolder);
  const restore = await timed(() => filling.vaults.restore(secrets(LARGE), 'cli'));
  await filling.close();

  const large = opened(largeFolder);
  const { vaults } = large;
  const firstOpen = await timed(() => vaults.open(['SECRET_1', 'SECRET_5000', 'SECRET_9999']));
  let load = 0;
  const loadStall = await stallDuring(async () => {
    load = await timed(() => vaults.load());
  });
  const list = await timed(() => vaults.list());
  const quarantined = await timed(() => vaults.quarantined());
  const opens: number[] = [];
  for (let i = 0; i < 1_000; i += 1) {
    const names = [i, i + 3_000, i + 6_000].map((n) => `SECRET_${String(n)}`);
    opens.push(await timed(() => vaults.open(names)));
  }

  const small = opened(smallFolder);
  await small.vaults.restore(secrets(SMALL), 'cli');
  const sets = await setTimes(vaults.workspace, small.vaults.workspace);
  const ratio = ratioByRound(sets.large, sets.small);

  let reports = 0;
  let rotation = 0;
  const rotationStall = await stallDuring(async () => {
    rotation = await timed(() => vaults.workspace.rotateKey('cli', () => (reports += 1)));
  });
  await large.close();
  await small.close();

  const p95 = percentile(sets.large, 0.95);
  return [
    { what: `restore of ${String(LARGE)} secrets with ${String(VERSIONS)} versions`, value: ms(restore) },
    { what: 'set, p50', value: ms(percentile(sets.large, 0.5)) },
    { what: 'set, p95', value: ms(p95), aim: { text: '< 20 ms', met: p95 < 20 } },
    { what: `set, against a vault of ${String(SMALL)} (median of pairs)`, value: ratio.value.toFixed(2) },
    { what: 'load for the list, in steps', value: ms(load) },
    { what: '  longest stall', value: ms(loadStall) },
    { what: 'list', value: ms(list) },
    { what: 'proofs of all', value: ms(quarantined) },
    { what: 'open 3 secrets, the first time', value: ms(firstOpen) },
    { what: 'open 3 secrets, p50', value: ms(percentile(opens, 0.5)) },
    { what: 'key rotation', value: ms(rotation) },
    { what: '  longest stall', value: ms(rotationStall) },
    { what: '  progress reports', value: String(reports) },
    { what: 'peak RSS', value: `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB` },
  ];
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mcps-bench-vault-'));
  try {
    const lines = await measured(folder);
    const rows = lines.map(({ what, value, aim }) => [what, value, aim?.text ?? '', aim === undefined ? '' : aim.met ? 'met' : 'missed']);
    console.log(table(['a large vault', 'value', 'aim', 'result'], rows));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
