import type { ExpiredPolicy } from '../proxy/proxy';
import { systemClock } from '../shared/clock';
import { SecretsError } from '../shared/errors';
import { watchAudit } from './alerts';
import { allowOptions, numberOption } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { followLock } from './lockFollower';
import { stopRequested } from './signals';

/** Seconds that a server may send nothing while a call waits, unless told otherwise. */
const DEFAULT_TIMEOUT_S = 120;

/** How long a server may send nothing, in ms. @throws SecretsError `usage`. */
export function timeoutOption({ options }: Arguments): number {
  return numberOption('timeout', options.timeout, DEFAULT_TIMEOUT_S, 86_400) * 1000;
}

/** What happens to calls that need an expired secret. @throws SecretsError `usage`. */
export function expiredOption({ options: { expired } }: Arguments): ExpiredPolicy {
  if (expired === undefined || expired === 'warn' || expired === 'refuse') return expired ?? 'warn';
  throw new SecretsError('usage', { problem: '--expired takes "warn" or "refuse".' });
}

/** `serve`: prints where the proxy is and serves until SIGINT or SIGTERM, then ends what it started. */
export async function serve(input: Arguments, headless: Headless): Promise<undefined> {
  allowOptions(input, ['port', 'timeout', 'expired', 'syslog', 'otlp', 'otlp-headers-file']);
  const port = numberOption('port', input.options.port, 0, 65_535);
  const watch = watchAudit(headless);
  const { proxy, agents } = headless.proxy(port, timeoutOption(input), expiredOption(input), watch.noteExpired);
  const { url, socket } = await proxy.start();
  const token = agents.issueTemporary('command line', systemClock.now());
  process.stdout.write(`${JSON.stringify({ url, socket, token, pid: process.pid })}\n`);
  const lock = followLock(headless.vaults, proxy);
  await stopRequested();
  lock.dispose();
  await proxy.stop();
  watch.dispose();
  return undefined;
}
