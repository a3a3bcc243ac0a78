import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { lock } from 'proper-lockfile';
import { testInstallDir } from './paths';
import { run } from './run';
import { ensureSystemPackages, findChromium, inTries } from './systemPackages';

const nodePackage = `node-${process.platform}-${process.arch}`;
const nodeVersion = '24.21.0';
const codeServerVersion = '4.139.1';
const wanted = `${nodePackage}@${nodeVersion} code-server@${codeServerVersion}`;

/** The programs that make up a VS Code that a test can start. */
export interface VsCodeInstall {
  /** The Node that the VS Code server was built for. */
  readonly node: string;
  /** VS Code's own server entry point. */
  readonly serverMain: string;
  /** The browser that shows the workbench. */
  readonly chromium: string;
}

/**
 * Makes sure that there is a VS Code (and a browser) to test with, installing what is missing into `root`.
 * Returns at once when it is there already; an install that was cut short is done again from the start.
 * Progress goes to stderr. Safe to call from several processes at once.
 */
export async function ensureVsCode(root = testInstallDir): Promise<VsCodeInstall> {
  await ensureSystemPackages();
  const chromium = findChromium();
  if (chromium === undefined) throw new Error('no Chromium on the PATH');
  await mkdir(root, { recursive: true });
  // Two runs in one checkout must not wipe each other's half-done install. With three tries on a slow machine that takes long.
  const release = await lock(root, {
    lockfilePath: join(root, 'lock'),
    stale: 60_000,
    retries: { retries: 3_600, minTimeout: 1_000, maxTimeout: 1_000 },
  });
  try {
    const marker = join(root, 'installed');
    if (!existsSync(marker) || (await readFile(marker, 'utf8')) !== wanted) await install(root, marker);
  } finally {
    await release();
  }
  return {
    node: join(nodeDir(root), 'bin', 'node'),
    serverMain: join(root, 'code-server', 'node_modules', 'code-server', 'lib', 'vscode', 'out', 'server-main.js'),
    chromium,
  };
}

function nodeDir(root: string): string {
  return join(root, 'node', 'node_modules', nodePackage);
}

async function install(root: string, marker: string): Promise<void> {
  process.stderr.write(`installing VS Code for the tests (once, about three minutes): ${wanted}\n`);
  await rm(marker, { force: true });
  await npmInstall(join(root, 'node'), `${nodePackage}@${nodeVersion}`, process.env);

  // Its native modules must be built by, and for, the Node that will run it.
  const node = nodeDir(root);
  await npmInstall(join(root, 'code-server'), `code-server@${codeServerVersion}`, {
    ...process.env,
    PATH: [join(node, 'bin'), process.env.PATH ?? ''].join(delimiter),
    npm_config_nodedir: node,
  });
  await writeFile(marker, wanted);
  process.stderr.write('VS Code for the tests is installed\n');
}

async function npmInstall(folder: string, what: string, env: NodeJS.ProcessEnv): Promise<void> {
  process.stderr.write(`  npm install ${what}\n`);
  await inTries(`npm install ${what}`, () => npmInstallOnce(folder, what, env));
}

/** Wipes what a try before left: npm takes a package that is half there for a whole one. */
async function npmInstallOnce(folder: string, what: string, env: NodeJS.ProcessEnv): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await run('npm', ['install', '--prefix', folder, '--save-exact', '--no-audit', '--no-fund', '--loglevel=error', what], {
    cwd: folder,
    // npm 11 runs no install scripts unless told to; npm 10 does not know this setting and ignores it.
    env: { ...withoutNpmRunVariables(env), npm_config_dangerously_allow_all_scripts: 'true' },
  });
}

/** Inside `npm test` the environment describes our own package and Node, which the npm inside must not take for its own. */
function withoutNpmRunVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = /^npm_(package|lifecycle|command|node_execpath|execpath|config_(user_agent|local_prefix|global_prefix|prefix|node_gyp))/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name)));
}
