import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureVsCode } from '../host/install';
import { repoRoot } from '../host/paths';
import { inTries } from '../host/systemPackages';
import { clientScenarios } from './client/scenarios';

/** The two versions of the official suite: the one that is released, and the one that knows 2026-07-28. */
export const suiteVersions = ['0.1.16', '0.2.0-alpha.12'] as const;
export type SuiteVersion = (typeof suiteVersions)[number];

const packageName = '@modelcontextprotocol/conformance';

/** Everything of one version of the suite that concerns one side and one version of the protocol. */
export interface Leg {
  readonly suite: SuiteVersion;
  readonly side: 'server' | 'client';
  readonly protocol: '2025-11-25' | '2026-07-28';
  /** How the two sides are connected. Each way is compared with the first one, `direct`. */
  readonly ways: readonly string[];
  /** The arguments of each run that it takes. */
  readonly runs: readonly (readonly string[])[];
}

const server = { side: 'server', ways: ['direct', 'http', 'stdio'] } as const;

/** What is run, in this order. With `all` and `requirements` that includes scenarios that the suite calls pending, and the extensions. */
export const legs: readonly Leg[] = [
  { ...server, suite: '0.1.16', protocol: '2025-11-25', runs: [['--suite', 'all']] },
  { ...server, suite: '0.2.0-alpha.12', protocol: '2025-11-25', runs: [['--requirements', '2025-11-25']] },
  {
    ...server,
    suite: '0.2.0-alpha.12',
    protocol: '2026-07-28',
    // Skills came after the list of requirements.
    runs: [
      ['--requirements', '2026-07-28'],
      ...['directory', 'enumeration', 'manifest'].map((part) => ['--scenario', `sep-2640-skills-${part}`]),
    ],
  },
  clientLeg('2025-11-25', ['direct', 'proxy']),
  clientLeg('2026-07-28', ['direct', 'proxy', 'proxy, agent of 2025-11-25']),
];

function clientLeg(protocol: Leg['protocol'], ways: readonly string[]): Leg {
  const runs = clientScenarios[protocol].map((scenario) => ['--scenario', scenario, '--spec-version', protocol]);
  return { side: 'client', suite: '0.2.0-alpha.12', protocol, ways, runs };
}

/** The arguments that run one scenario of a leg alone. */
export function alone({ suite, protocol }: Leg, scenario: string): string[] {
  const anyVersion = suite === '0.1.16' || scenario.startsWith('tasks-') || scenario.startsWith('sep-2640');
  return ['--scenario', scenario, ...(anyVersion ? [] : ['--spec-version', protocol])];
}

/** A run by the one scenario that it is for, or else by its arguments. */
export function runNameOf(args: readonly string[]): string {
  return scenarioOf(args) ?? args.join(' ');
}

/** The scenario of a run that is for only one. */
export function scenarioOf([option, value]: readonly string[]): string | undefined {
  return option === '--scenario' ? value : undefined;
}

/** A leg as it is named in a table. */
export function titleOf({ side, protocol, suite }: Leg): string {
  return `${side}, ${protocol} (suite ${suite})`;
}

/** The suite's program at a version. */
export function suiteScript(version: SuiteVersion): string {
  return join(folderOf(version), 'node_modules', packageName, 'dist', 'index.js');
}

/** A Node that runs the suite: it needs 22, which we do not. That of the test VS Code is fetched if need be. */
export async function suiteNode(): Promise<string> {
  return Number(process.versions.node.split('.', 1)[0]) >= 22 ? process.execPath : (await ensureVsCode()).node;
}

/** Puts both versions into `.conformance`, unless they are there. Rejects with what npm said if it cannot. */
export async function installSuites(say: (line: string) => void): Promise<void> {
  for (const version of suiteVersions) {
    if (isInstalled(version)) continue;
    say(`installing ${packageName} ${version} into .conformance`);
    await inTries(`npm install ${packageName}@${version}`, () => install(version));
  }
}

/** From an empty folder, and marked at the end: npm that was cut off leaves packages that look whole. */
function install(version: SuiteVersion): void {
  const folder = folderOf(version);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ private: true, dependencies: { [packageName]: version } })}\n`);
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) throw new Error(`npm could not install the suite: ${npm.error?.message ?? npm.stderr}`);
  writeFileSync(markerOf(version), version);
}

function folderOf(version: SuiteVersion): string {
  return join(repoRoot, '.conformance', version);
}

function markerOf(version: SuiteVersion): string {
  return join(folderOf(version), 'installed');
}

function isInstalled(version: SuiteVersion): boolean {
  return existsSync(markerOf(version)) && installedVersion(version) === version;
}

function installedVersion(version: SuiteVersion): string | undefined {
  try {
    const manifest = readFileSync(join(folderOf(version), 'node_modules', packageName, 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
