import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { launchVsCode } from './launch';
import type { MochaResult } from './mochaRunner';
import { findTestFiles } from './mochaRunner';
import { outDir, repoRoot } from './paths';
import { testLineMark } from './testConsole';

/** What to run inside the extension host. */
export interface HostRunOptions {
  /** Only tests whose full title matches. */
  readonly grep?: string | undefined;
  /** Absolute paths of the extensions under development. Default: this repository. */
  readonly extensions?: readonly string[];
  /** Absolute path of the folder to open. Default: a fresh empty one. */
  readonly workspace?: string;
  /** The limit of the whole run. Default: ten minutes. */
  readonly limitMs?: number;
}

const bundleDir = join(outDir, 'test', 'vscode');
const testsPath = join(bundleDir, 'index');

/**
 * Bundles `test/vscode` and runs it with mocha inside a real extension host, printing each test to stdout.
 * `MCP_SECRETS_TEST_DESKTOP=1` uses a desktop VS Code that is downloaded, instead of the one from npm.
 * Resolves with the counts whether tests failed or not; rejects when the run did not come to an end.
 */
export async function runMocha(options: HostRunOptions = {}): Promise<MochaResult> {
  await bundle();
  const temp = await mkdtemp(join(tmpdir(), 'mcps-run-'));
  const resultFile = join(temp, 'results.json');
  const workspace = options.workspace ?? join(temp, 'workspace');
  await mkdir(workspace, { recursive: true });
  const job: Job = {
    workspace,
    extensions: options.extensions ?? [repoRoot],
    env: {
      MCP_SECRETS_TEST_RESULTS: resultFile,
      ...(options.grep === undefined ? {} : { MCP_SECRETS_TEST_GREP: options.grep }),
    },
    limitMs: options.limitMs ?? 600_000,
  };
  try {
    await (process.env.MCP_SECRETS_TEST_DESKTOP === '1' ? runInDesktop(job) : runInServer(job));
    return JSON.parse(await readFile(resultFile, 'utf8')) as MochaResult;
  } finally {
    await rm(temp, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Job {
  readonly workspace: string;
  readonly extensions: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limitMs: number;
}

async function bundle(): Promise<void> {
  await rm(bundleDir, { recursive: true, force: true });
  const folder = join(repoRoot, 'test', 'vscode');
  await build({
    entryPoints: [join(folder, 'index.ts'), ...findTestFiles(folder, '.test.ts')],
    outbase: folder,
    outdir: bundleDir,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'external',
    external: ['vscode'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

async function runInServer({ workspace, extensions, env, limitMs }: Job): Promise<void> {
  let exited: (code: number) => void = () => undefined;
  const exit = new Promise<number>((resolve) => (exited = resolve));
  const window = await launchVsCode({
    workspace,
    extensions,
    env,
    testsPath,
    onLog: printLog,
    onExit: (code) => {
      exited(code);
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`the tests inside VS Code did not end; see ${window.root}`));
    }, limitMs);
  });
  try {
    await Promise.race([exit, limit]);
    await window.dispose();
  } finally {
    clearTimeout(timer);
    await window.stop();
  }
}

async function runInDesktop({ workspace, extensions, env }: Job): Promise<void> {
  // A failed test makes the run end with an error; the counts tell that better.
  await runTests({
    extensionDevelopmentPath: [...extensions],
    extensionTestsPath: testsPath,
    extensionTestsEnv: { ...env },
    launchArgs: [workspace, '--disable-extensions', '--disable-workspace-trust'],
  }).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
}

/** All that VS Code prints comes here; only the tests' own lines matter. */
function printLog(_type: string, args: readonly unknown[]): void {
  const line = format(...args);
  if (line.startsWith(testLineMark)) process.stdout.write(`${line.slice(testLineMark.length)}\n`);
}
