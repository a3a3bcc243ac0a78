import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';

/** Starts one of the programs in this folder, or one that is `bundled`. */
export function start(program: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [...(program.endsWith('.ts') ? ['--import', 'tsx'] : []), resolve(__dirname, program), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Makes one of the programs in this folder one file, in another folder, that starts at once. */
export function bundled(program: string, folder: string): string {
  const outfile = join(folder, program.replace(/\.ts$/, '.js'));
  buildSync({ entryPoints: [join(__dirname, program)], outfile, bundle: true, platform: 'node', logLevel: 'error' });
  return outfile;
}

/** Waits for a process to end. Resolves with its exit code. */
export function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', resolve);
  });
}

/** Waits for a process to say something. */
export function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let all = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      all += chunk.toString();
      if (all.includes(text)) resolve();
    });
    child.once('exit', () => {
      reject(new Error(`It ended without saying "${text}".`));
    });
  });
}
