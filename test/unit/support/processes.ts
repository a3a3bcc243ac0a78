import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';

/** Starts one of the programs in this folder. */
export function start(program: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', join(__dirname, program), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
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
