import { spawn } from 'node:child_process';

/** How to run a child process; `env` replaces the whole environment. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a command to its end and sends all its output to stderr, which keeps stdout for test results.
 * Rejects, naming the command, when it cannot start or ends with anything but exit code 0.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', process.stderr, process.stderr] });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')} ended with ${signal ?? `code ${String(code)}`}`));
    });
  });
}
