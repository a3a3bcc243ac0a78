import { OWN_AGENTS } from '../proxy/front/agents';
import type { NewTools } from '../bindings/pinRules';
import type { ExpiredPolicy, GuardMode, ToolsMode } from '../proxy/proxy';
import { messageOf, SecretsError } from '../shared/errors';
import { watchAudit } from './alerts';
import { allowOptions, numberOption } from './arguments';
import type { Arguments } from './arguments';
import type { Headless, HeadlessProxyOptions } from './headless';
import { followLock } from './lockFollower';
import { print } from './output';
import { stopRequested } from './signals';

/** Seconds that a server may send nothing while a call waits, unless told otherwise. */
const DEFAULT_TIMEOUT_S = 120;

/** What decides how calls are made: for `serve` and `call`. @throws SecretsError `usage`. */
export function callOptions(input: Arguments): Omit<HeadlessProxyOptions, 'ports'> {
  const timeout = timeoutOption(input);
  const expired = expiredOption(input);
  const newTools = newToolsOption(input);
  const guard = guardOption(input);
  return { callTimeoutMs: () => timeout, expiredSecrets: () => expired, newTools: () => newTools, outboundGuard: () => guard };
}

/** How long a server may send nothing, in ms. @throws SecretsError `usage`. */
function timeoutOption({ options }: Arguments): number {
  return numberOption('timeout', options.timeout, DEFAULT_TIMEOUT_S, 86_400, 1) * 1000;
}

/** What happens to calls that need an expired secret. @throws SecretsError `usage`. */
function expiredOption({ options: { expired } }: Arguments): ExpiredPolicy {
  if (expired === undefined || expired === 'warn' || expired === 'refuse') return expired ?? 'warn';
  throw new SecretsError('usage', { problem: '--expired takes "warn" or "refuse".' });
}

/** What happens to messages that hold the value of a secret. @throws SecretsError `usage`. */
function guardOption({ options }: Arguments): GuardMode {
  const given = options['outbound-guard'] ?? 'refuse';
  if (given === 'refuse' || given === 'warn' || given === 'off') return given;
  throw new SecretsError('usage', { problem: '--outbound-guard takes "refuse", "warn" or "off".' });
}

/** What happens to tools that a server did not have at first. @throws SecretsError `usage`. */
function newToolsOption({ options }: Arguments): NewTools {
  const given = options['new-tools'] ?? 'ask';
  if (given === 'ask' || given === 'allow' || given === 'deny') return given;
  throw new SecretsError('usage', { problem: '--new-tools takes "ask", "allow" or "deny".' });
}

/** `serve`: prints where the proxy is and serves until SIGINT or SIGTERM, then ends what it started. */
export async function serve(input: Arguments, headless: Headless): Promise<undefined> {
  allowOptions(input, ['port', 'search', 'timeout', 'expired', 'new-tools', 'outbound-guard', 'syslog', 'otlp', 'otlp-headers-file']);
  const port = numberOption('port', input.options.port, 0, 65_535);
  const watch = watchAudit(headless);
  const mergedTools = (): ToolsMode => (input.options.search === true ? 'search' : 'all');
  const { proxy, agents } = headless.proxy({ ports: [port], mergedTools, ...callOptions(input), onExpiredUsed: watch.noteExpired });
  const { url, socket } = await proxy.start();
  const token = agents.issueTemporary(OWN_AGENTS.commandLine);
  // Before anybody knows that there is something to stop.
  const stop = stopRequested();
  const lock = followLock(headless.vaults, proxy, (error) => {
    headless.logger.error(messageOf(error));
  });
  try {
    await print(`${JSON.stringify({ url, socket, token, pid: process.pid })}\n`);
    await stop;
  } finally {
    lock.dispose();
    await proxy.stop();
    await watch.close();
  }
  return undefined;
}
