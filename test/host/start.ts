/** `npm start`: a VS Code with the extension and a sample workspace, until Ctrl-C. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { launchVsCode } from './launch';

const repository = join(import.meta.dirname, '../..');
const sample = join(repository, 'test/fixtures/sample');

async function main(): Promise<void> {
  execFileSync(process.execPath, ['esbuild.js'], { cwd: repository, stdio: 'inherit' });
  const desktop = spawnSync('code', ['--extensionDevelopmentPath', repository, '--new-window', sample], { stdio: 'inherit' });
  if (desktop.status === 0) return;
  console.log('There is no desktop VS Code here ("code" on the PATH): starting one for the browser.');
  const window = await launchVsCode({ workspace: sample, extensions: [repository] });
  console.log(`Open ${window.url}\nCtrl-C ends it.`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });
  await window.dispose();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
