import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './run';

interface SystemPackage {
  readonly name: string;
  readonly present: () => boolean;
}

/** Between the tries of a download. */
const PAUSES_MS = [5_000, 20_000];

const needed: readonly SystemPackage[] = [
  { name: 'chromium', present: () => findChromium() !== undefined },
  { name: 'libkrb5-dev', present: () => existsSync('/usr/include/gssapi/gssapi.h') },
  { name: 'python3', present: () => onPath('python3') !== undefined },
  { name: 'make', present: () => onPath('make') !== undefined },
  { name: 'g++', present: () => onPath('g++') !== undefined },
  { name: 'fonts-dejavu-core', present: hasFonts },
];

/**
 * Makes sure that the system packages needed to build and show VS Code are there.
 * On Debian as root it says which it installs and installs them; elsewhere it throws an error that names them.
 */
export async function ensureSystemPackages(): Promise<void> {
  if (!(await installed(needed)))
    throw new Error(`the tests in VS Code need these system packages, please install them: ${namesOfMissing(needed)}`);
}

/** Whether a program of a package of the same name is there; on Debian as root it is installed if it is not. */
export function ensureProgram(name: string): Promise<boolean> {
  return installed([{ name, present: () => onPath(name) !== undefined }]);
}

/** Whether there is a syslog receiver that speaks TLS, and a program to make certificates for it; installed as above if not. */
export function ensureSyslogReceiver(): Promise<boolean> {
  return installed([
    { name: 'rsyslog', present: () => onPath('rsyslogd') !== undefined },
    { name: 'rsyslog-openssl', present: hasSyslogTls },
    { name: 'openssl', present: () => onPath('openssl') !== undefined },
  ]);
}

/** Whether all are there, after an attempt to install those that are not. */
async function installed(packages: readonly SystemPackage[]): Promise<boolean> {
  const names = namesOfMissing(packages);
  if (names === '') return true;
  const canInstall = existsSync('/etc/debian_version') && onPath('apt-get') !== undefined && process.getuid?.() === 0;
  if (!canInstall) return false;
  process.stderr.write(`installing system packages: ${names}\n`);
  await inTries('apt-get', (attempt) => aptInstall(names.split(' '), attempt));
  const still = namesOfMissing(packages);
  if (still !== '') throw new Error(`installed, but not found afterwards: ${still}`);
  return true;
}

/** All of the names at each try: a program that a try unpacked may be found on the PATH, but is not set up. */
async function aptInstall(names: readonly string[], attempt: number): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // apt-get refuses to work after a dpkg that was cut off. If this cannot help, apt-get says why.
  if (attempt > 1) await run('dpkg', ['--configure', '-a'], { env }).catch(() => undefined);
  const patience = ['-q', '-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=120'];
  await run('apt-get', ['update', ...patience], { env });
  await run('apt-get', ['install', '-y', '--no-install-recommends', ...patience, ...names], { env });
}

/**
 * Does what needs the network, up to three times with a growing pause, since one lost connection must not fail all tests.
 * Each failure is one line on stderr. @param once is given the number of the try, from 1, and must start afresh at each.
 * Rejects with the last error.
 */
export async function inTries<T>(
  what: string,
  once: (attempt: number) => Promise<T> | T,
  pauses: readonly number[] = PAUSES_MS,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(attempt);
    } catch (error) {
      const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
      const pause = pauses[attempt - 1];
      const next = pause === undefined ? 'giving up' : `again in ${String(pause / 1000)} s`;
      process.stderr.write(`${what}: try ${String(attempt)} failed, ${next}: ${reason}\n`);
      if (pause === undefined) throw error;
      await sleep(pause);
    }
  }
}

/** The path of a Chromium or Chrome on this machine, or undefined. */
export function findChromium(): string | undefined {
  return onPath('chromium') ?? onPath('chromium-browser') ?? onPath('google-chrome');
}

function namesOfMissing(packages: readonly SystemPackage[]): string {
  return packages
    .filter((item) => !item.present())
    .map((item) => item.name)
    .join(' ');
}

/** A module that is loaded by name from a folder that is named after the machine. */
function hasSyslogTls(): boolean {
  const folder = '/usr/lib';
  return existsSync(folder) && readdirSync(folder).some((name) => existsSync(join(folder, name, 'rsyslog', 'lmnsd_ossl.so')));
}

function hasFonts(): boolean {
  const folders = ['/usr/share/fonts', '/usr/local/share/fonts', '/Library/Fonts'];
  return folders.some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
}

function onPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
