import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..', '..', '..');

/** The command line as it ships. */
export const cliPath = join(root, 'dist', 'cli.js');

/** What a finished program left. */
export interface Finished {
  /** `undefined` if a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with the whole input given at once. */
export async function run(child: ChildProcessWithoutNullStreams, input: string | Buffer): Promise<Finished> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // A program that refuses its arguments does not read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code: code ?? undefined, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

/** Starts Node with a script. */
export function startNode(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [script, ...args], { cwd, env, stdio: 'pipe' });
}

/** The main script of an installed server. */
export function serverScript(name: 'everything' | 'filesystem'): string {
  const require = createRequire(join(root, 'package.json'));
  return join(dirname(require.resolve(`@modelcontextprotocol/server-${name}/package.json`)), 'dist', 'index.js');
}

const built = new Map<string, string>();

/** A fixture as one JavaScript file, which starts much faster than TypeScript does. */
export function fixture(name: 'scriptedStdio' | 'erasStdio' | 'changingServer' | 'sseProcess'): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  const folder = join(root, 'out', 'test', 'fixtures', String(process.pid));
  mkdirSync(folder, { recursive: true });
  if (built.size === 0) {
    process.once('exit', () => {
      rmSync(folder, { recursive: true, force: true });
    });
  }
  const outfile = join(folder, `${name}.mjs`);
  buildSync({
    entryPoints: [join(root, 'test', 'fixtures', `${name}.ts`)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'warning',
  });
  built.set(name, outfile);
  return outfile;
}
