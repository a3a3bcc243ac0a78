import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './run';

interface SystemPackage {
  readonly name: string;
  readonly present: () => boolean;
}

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
  const missing = missingPackages();
  if (missing.length === 0) return;
  const names = missing.join(' ');
  const canInstall = existsSync('/etc/debian_version') && onPath('apt-get') !== undefined && process.getuid?.() === 0;
  if (!canInstall) throw new Error(`the tests in VS Code need these system packages, please install them: ${names}`);

  process.stderr.write(`installing system packages: ${names}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-q'], { env });
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { env });
  const still = missingPackages();
  if (still.length > 0) throw new Error(`installed, but not found afterwards: ${still.join(' ')}`);
}

/** The path of a Chromium or Chrome on this machine, or undefined. */
export function findChromium(): string | undefined {
  return onPath('chromium') ?? onPath('chromium-browser') ?? onPath('google-chrome');
}

function missingPackages(): string[] {
  return needed.filter((item) => !item.present()).map((item) => item.name);
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
