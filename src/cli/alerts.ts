import { entryOf } from '../audit/alerts/alert';
import { Alerts } from '../audit/alerts/alerts';
import { readTrail } from '../audit/reader';
import { systemClock } from '../shared/clock';
import type { Disposable } from '../shared/disposable';
import { messageOf } from '../shared/errors';
import { DEFAULT_SCOPE } from '../vault/secret';
import type { Headless } from './headless';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The watch over a running `serve`. */
export interface Watch extends Disposable {
  /** For the proxy: an expired secret was asked for. */
  readonly noteExpired: (secret: string, server: string) => void;
}

/** Raises alerts about what is recorded from here on, and once a day about what is not: as log lines, and in the trail. */
export function watchAudit({ audit, vaults, logger }: Headless): Watch {
  const alerts = new Alerts({ clock: systemClock });
  alerts.onDidRaise((alert) => {
    logger.warn(`Alert: ${alert.message}`);
    audit.record(entryOf(alert));
  });
  const checkUnused = (): void => {
    // A vault that cannot be read has other worries.
    const secrets = attempt(() => vaults.list()) ?? [];
    alerts.checkUnused(secrets.map(({ scope, ...secret }) => (scope === DEFAULT_SCOPE ? secret : { ...secret, scope })));
  };
  const learned = learn(alerts, audit.path).then(checkUnused, (error: unknown) => {
    logger.warn(`The past of the audit trail is not known to the alerts. ${messageOf(error)}`);
  });
  // What is new is looked at when the past is known.
  const subscription = audit.onDidAdd((entry) => {
    void learned.then(() => {
      alerts.observe(entry);
    });
  });
  const daily = setInterval(checkUnused, DAY_MS).unref();
  return {
    noteExpired: (secret, server) => {
      alerts.noteExpired(secret, server);
    },
    dispose: () => {
      clearInterval(daily);
      subscription.dispose();
      alerts.dispose();
    },
  };
}

async function learn(alerts: Alerts, path: string): Promise<void> {
  for await (const { entry } of readTrail(path)) alerts.learn(entry);
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
