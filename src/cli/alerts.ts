import { setTimeout as sleep } from 'node:timers/promises';
import { entryOf } from '../audit/alerts/alert';
import { Alerts } from '../audit/alerts/alerts';
import { readTrail } from '../audit/reader';
import { newestSeq } from '../audit/recentEntries';
import { systemClock } from '../shared/clock';
import { messageOf } from '../shared/errors';
import { DEFAULT_SCOPE } from '../vault/secret';
import type { Headless } from './headless';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The past can be long: it is read when the start is over. */
const LEARN_MS = 300;

/** The watch over a running `serve`. */
export interface Watch {
  /** For the proxy: an expired secret was asked for. */
  readonly noteExpired: (secret: string, server: string) => void;
  /** Ends it, when it has looked at everything that was recorded. */
  close(): Promise<void>;
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
  // By number, not by time: somebody may have set the clock back since. What cannot be told from the past is the past.
  const newest = attempt(() => newestSeq(audit.path)) ?? Infinity;
  const closing = new AbortController();
  const learned = sleep(LEARN_MS, undefined, { ref: false, signal: closing.signal })
    .catch(() => undefined) // It ends before that.
    .then(() => learn(alerts, audit.path, newest))
    .then(checkUnused, (error: unknown) => {
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
    close: async () => {
      closing.abort();
      await learned;
      clearInterval(daily);
      subscription.dispose();
      alerts.dispose();
    },
  };
}

/** What comes after the entry `newest` is news. */
async function learn(alerts: Alerts, path: string, newest: number): Promise<void> {
  for await (const { entry } of readTrail(path, { where: ({ seq }) => seq <= newest })) alerts.learn(entry);
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
