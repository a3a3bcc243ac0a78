import { spawnSync } from 'node:child_process';

/** A child with everything it started, as long as that stays together: a process group; on Windows, a tree of processes. */
export class ProcessGroup {
  readonly #pid: number;
  readonly #onEmpty: () => void;
  #leaderRuns = true;
  #empty = false;

  /**
   * @param pid of the child that leads it.
   * @param onEmpty is called once, when nobody is left.
   */
  constructor(pid: number, onEmpty: () => void) {
    this.#pid = pid;
    this.#onEmpty = onEmpty;
  }

  /** The child has ended; what it started may still run. */
  leaderEnded(): void {
    this.#leaderRuns = false;
    if (process.platform === 'win32') this.#emptied();
  }

  /** Signals all of them. Does nothing once nobody is left: the number may have been given to others since. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#empty) return;
    try {
      if (process.platform === 'win32') spawnSync('taskkill', ['/pid', String(this.#pid), '/T', '/F'], { windowsHide: true });
      else process.kill(-this.#pid, signal);
      if (signal === 'SIGKILL' && !this.#leaderRuns) this.#emptied();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') this.#emptied();
    }
  }

  #emptied(): void {
    if (this.#empty) return;
    this.#empty = true;
    this.#onEmpty();
  }
}
