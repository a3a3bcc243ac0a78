import { systemClock } from '../shared/clock';
import { allowOptions, numberOption } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { stopRequested } from './signals';

/** Seconds that a server may send nothing while a call waits, unless told otherwise. */
const DEFAULT_TIMEOUT_S = 120;

/** How long a server may send nothing, in ms. @throws SecretsError `usage`. */
export function timeoutOption({ options }: Arguments): number {
  return numberOption('timeout', options.timeout, DEFAULT_TIMEOUT_S, 86_400) * 1000;
}

/** `serve`: prints where the proxy is and serves until SIGINT or SIGTERM, then ends what it started. */
export async function serve(input: Arguments, headless: Headless): Promise<void> {
  allowOptions(input, ['port', 'timeout']);
  const port = numberOption('port', input.options.port, 0, 65_535);
  const { proxy, agents } = headless.proxy(port, timeoutOption(input));
  const { url, socket } = await proxy.start();
  const token = agents.issueTemporary('command line', systemClock.now());
  process.stdout.write(`${JSON.stringify({ url, socket, token, pid: process.pid })}\n`);
  await stopRequested();
  await proxy.stop();
  await headless.audit.flush();
}
