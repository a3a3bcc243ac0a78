import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { eventually } from '../host/eventually';
import { launchVsCode } from '../host/launch';
import { outDir, repoRoot } from '../host/paths';
import type { WriterReport } from './support/writer';

const WINDOWS = 2;

describe('two windows on one folder', () => {
  it('write 1,000 times each at once, and lose nothing', async function () {
    this.timeout(1_200_000);
    const testsPath = join(outDir, 'test', 'twoWindows', 'writer');
    await build({
      entryPoints: [join(repoRoot, 'test', 'e2e', 'support', 'writer.ts')],
      outfile: `${testsPath}.js`,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      external: ['vscode'],
      logLevel: 'warning',
    });
    const temp = await mkdtemp(join(tmpdir(), 'mcps-windows-'));
    const [workspace, folder] = [join(temp, 'workspace'), join(temp, 'reports')];
    await Promise.all([mkdir(workspace), mkdir(folder)]);
    const exits: number[] = [];
    const window = await launchVsCode({
      workspace,
      extensions: [repoRoot],
      testsPath,
      env: { MCP_SECRETS_TEST_REPORTS: folder, MCP_SECRETS_TEST_WINDOWS: String(WINDOWS) },
      onExit: (code) => exits.push(code),
    });
    try {
      const isReady = async (): Promise<true | undefined> =>
        (await readdir(folder)).some((name) => /^\d+\.ready$/.test(name)) ? true : undefined;
      await eventually('the first window has made the vaults', isReady, 120_000);
      await window.openWindow();
      const reports = async (): Promise<WriterReport[]> => {
        const names = (await readdir(folder)).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
        return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as WriterReport));
      };
      const isVerified = ({ verified }: WriterReport): boolean => verified === true;
      // A window that gave up has said why on its console.
      const done = async (): Promise<boolean | undefined> =>
        exits.some((code) => code !== 0) ? false : (await reports()).filter(isVerified).length === WINDOWS ? true : undefined;
      assert.ok(await eventually('both windows have written and seen everything', done, 900_000));
      const all = await reports();
      assert.deepEqual(
        all.map(({ operations }) => operations),
        [1_000, 1_000],
      );
      const versions = all.flatMap(({ shared }) => shared).sort((a, b) => a - b);
      assert.deepEqual(
        versions,
        Array.from({ length: versions.length }, (_, i) => i + 1),
      );
      assert.equal(versions.length, 200);
      await window.dispose();
    } finally {
      await window.stop();
      await rm(temp, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
