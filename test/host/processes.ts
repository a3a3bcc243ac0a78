import { readdirSync, readFileSync } from 'node:fs';
import { eventually } from './eventually';

/** Every process of a launch inherits this variable, which is how stragglers are found. */
export const launchMarker = 'MCP_SECRETS_TEST_ROOT';

/** Kills every process of a launch, whoever its parent is by now, and does not wait. Does nothing without `/proc`. */
export function killProcessesOf(root: string): void {
  for (const pid of processesOf(root)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  }
}

/** Kills every process of a launch and resolves when none is left. */
export async function endProcessesOf(root: string): Promise<void> {
  await eventually(`no process of ${root} is left`, () => {
    killProcessesOf(root);
    return processesOf(root).length === 0 ? true : undefined;
  });
}

/** The ids of a launch's extension hosts, one for each open window. */
export function extensionHostsOf(root: string): number[] {
  return processesOf(root).filter((pid) => read(`/proc/${String(pid)}/cmdline`).includes('--type=extensionHost'));
}

/** The ids of the running processes that carry this launch's marker; empty where there is no `/proc`. */
export function processesOf(root: string): number[] {
  return processIds().filter((pid) => pid !== process.pid && environmentOf(pid).includes(`${launchMarker}=${root}`));
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function environmentOf(pid: number): string[] {
  return read(`/proc/${String(pid)}/environ`).split('\0');
}

/** Processes end while one looks at them. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
