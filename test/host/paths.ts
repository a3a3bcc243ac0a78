import { join, resolve } from 'node:path';

/** The repository's root folder (tests always run from a checkout). */
export const repoRoot = resolve(__dirname, '..', '..');

/** Where everything that only the tests need is installed; git ignores it. */
export const testInstallDir = join(repoRoot, '.vscode-test');

/** Where bundled tests, results and screenshots go; git ignores it. */
export const outDir = join(repoRoot, 'out');
