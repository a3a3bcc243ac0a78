import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Writable } from 'node:stream';
import { reasonOf } from '../../shared/errors';
import type { Logger } from '../../shared/logger';

/**
 * What the watchdog runs. It reads lines, `+ 123` for a process group that began and `- 123` for one that has ended, and
 * when its input ends, it kills the groups that are left. Only builtins: it needs no PATH.
 */
export const SHELL_SCRIPT = `trap '' HUP INT QUIT TERM
groups=
while read -r sign group; do
  rest=
  for other in $groups; do [ "$other" = "$group" ] || rest="$rest $other"; done
  groups=$rest
  [ "$sign" = + ] && groups="$groups $group"
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
:`;

/** The same in JavaScript, for Windows, where a tree of processes takes the place of a group. */
export const NODE_SCRIPT = `const groups = new Set();
require('node:readline').createInterface({ input: process.stdin })
  .on('line', (line) => { const [sign, group] = line.split(' '); groups[sign === '+' ? 'add' : 'delete'](group); })
  .on('close', () => {
    for (const group of groups) require('node:child_process').spawnSync('taskkill', ['/pid', group, '/T', '/F'], { windowsHide: true });
  });`;

/** Watchdogs that end one after the other are not replaced for ever: something on this machine does not want them. */
const MAX_STARTS = 5;

/**
 * A process that outlives this one by a moment: it holds the other end of a pipe, and when that closes, however this
 * process ended, it kills what our children left running. It is in a group of its own, knows nothing but numbers, and
 * is given no variable and no folder of ours. Started with the first child.
 */
export class Watchdog {
  readonly #logger: Logger;
  readonly #groups = new Set<number>();
  #process: ChildProcessByStdio<Writable, null, null> | undefined;
  #starts = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Its process id, while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Watches over a process group, or on Windows over a process with what it starts.
   * @returns takes it off the list again: to be called when it has ended, since its number may then be given to others.
   */
  guard(group: number): () => void {
    this.#groups.add(group);
    if (this.#process === undefined) this.#start();
    else this.#tell('+', group);
    return () => {
      if (this.#groups.delete(group)) this.#tell('-', group);
    };
  }

  /** Ends it. What it still watches over is killed. */
  close(): void {
    const dog = this.#process;
    this.#process = undefined;
    this.#starts = 0;
    dog?.stdin.end();
  }

  #start(): void {
    if (this.#starts === MAX_STARTS) return;
    this.#starts += 1;
    const dog = spawnWatchdog();
    this.#process = dog;
    const lost = (reason: string): void => {
      if (this.#process !== dog) return;
      this.#process = undefined;
      this.#logger.warn(`The watchdog over the servers' processes has ended (${reason}).`);
      if (this.#groups.size > 0) this.#start();
    };
    dog.on('error', (error) => {
      lost(reasonOf(error));
    });
    dog.on('exit', (code, signal) => {
      lost(signal ?? `exit code ${String(code)}`);
    });
    dog.stdin.on('error', () => undefined);
    // It must not keep this process running.
    dog.unref();
    (dog.stdin as Writable & { unref?: () => void }).unref?.();
    for (const group of this.#groups) this.#tell('+', group);
  }

  #tell(sign: '+' | '-', group: number): void {
    this.#process?.stdin.write(`${sign} ${String(group)}\n`);
  }
}

function spawnWatchdog(): ChildProcessByStdio<Writable, null, null> {
  if (process.platform !== 'win32')
    return spawn('/bin/sh', ['-c', SHELL_SCRIPT], { cwd: '/', env: {}, stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const { SYSTEMROOT = 'C:\\Windows' } = process.env;
  return spawn(process.execPath, ['-e', NODE_SCRIPT], {
    cwd: SYSTEMROOT,
    env: { SYSTEMROOT, PATH: `${SYSTEMROOT}\\System32`, ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    windowsHide: true,
  });
}
