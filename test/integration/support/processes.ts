import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process as /proc shows it. */
export interface Seen {
  readonly pid: number;
  readonly commandLine: string;
}

/** How long a process that was killed may take to go. */
const GOING_MS = 10_000;

/** Whether /proc is there to look into. */
export const canLook = process.platform === 'linux';

/** The variables of a running process, as the system holds them. */
export function environmentOf(pid: number): Record<string, string> {
  const pairs = readFileSync(`/proc/${String(pid)}/environ`, 'utf8')
    .split('\0')
    .filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

/** The variables of a process as one text; empty if it has ended, or is another user's. */
export function environmentText(pid: number): string {
  return textAt(`/proc/${String(pid)}/environ`);
}

/** Whether a process runs. One that has ended and waits for its parent does not. */
export function isRunning(pid: number): boolean {
  try {
    if (!canLook) return process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Every process that is in a folder, or whose environment or command line names it: those that were started from it, and theirs. */
export function processesOf(folder: string): Seen[] {
  return allProcesses().filter(({ pid, commandLine }) => {
    if (pid === process.pid || !isRunning(pid)) return false;
    return commandLine.includes(folder) || environmentText(pid).includes(folder) || `${placeOf(pid)}/`.startsWith(`${folder}/`);
  });
}

/** As `processesOf`, some seconds later if there are any: who was killed a moment ago needs one to go. */
export async function leftOf(folder: string): Promise<Seen[]> {
  const end = Date.now() + GOING_MS;
  while (processesOf(folder).length > 0 && Date.now() < end) await sleep(20);
  return processesOf(folder);
}

/** Ends what is left of a folder's processes, as far as it has not ended by itself meanwhile. */
export function killLeft(folder: string): void {
  for (const { pid } of processesOf(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** All processes that can be seen; none where there is no /proc. */
export function allProcesses(): Seen[] {
  if (!canLook) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => ({ pid: Number(pid), commandLine: textAt(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') }));
}

/** The working folder of a process; empty if it has ended, or is another user's. */
function placeOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${String(pid)}/cwd`);
  } catch {
    return '';
  }
}

/** A file of /proc; empty if it is gone: processes end while one looks at them. */
export function textAt(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
