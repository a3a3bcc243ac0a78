import type { Clock } from '../../shared/clock';
import { Emitter } from '../../shared/disposable';
import type { Disposable, Event } from '../../shared/disposable';
import type { AuditEntry } from '../entry';
import { RULES } from './alert';
import type { Alert, RuleName } from './alert';
import { Burst } from './burst';
import { messages } from './messages';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const REFUSALS = 5;
const UNUSED_DAYS = 90;
/** The same alert about the same thing is not raised again for so long. */
const QUIET_MS: Readonly<Record<RuleName, number>> = {
  tokensRefused: HOUR_MS,
  newAgent: HOUR_MS,
  secretExpired: HOUR_MS,
  callDenied: HOUR_MS,
  secretUnused: 30 * DAY_MS,
  toolsChanged: MINUTE_MS,
};

/** An expired secret and a changed tool are alerts of their own; whoever has locked the vault knows that calls are refused. */
const KNOWN_REFUSALS: ReadonlySet<string | undefined> = new Set([
  'secretExpired', 'locked', 'passphraseNeeded', 'toolChanged', 'toolNew', 'toolFlagged', 'toolUnknown',
]); // prettier-ignore

/** What alerts need. */
export interface AlertsOptions {
  readonly clock: Clock;
  /** Which rules apply; those that are not named do. Asked anew each time. */
  readonly rules?: () => Partial<Record<RuleName, boolean>>;
}

/** What must be known of a secret to tell whether it is used. */
export interface SecretUse {
  readonly name: string;
  /** Left out for the default scope, as in entries. */
  readonly scope?: string;
  /** When its value was set; ms since the epoch. */
  readonly updatedAt: number;
}

/**
 * Watches the audit entries of a process for what a person should hear of: a burst of refused tokens, an agent's first
 * call, the use of an expired secret, a denied call, a secret that nobody uses, a server that changes its tools. Whoever hears an alert shows it and
 * records it (`entryOf`). Entries about alerts raise none.
 */
export class Alerts implements Disposable {
  readonly #clock: Clock;
  readonly #rules: () => Partial<Record<RuleName, boolean>>;
  readonly #raised = new Emitter<Alert>();
  /** Fires for each alert. */
  readonly onDidRaise: Event<Alert> = this.#raised.event;
  readonly #refusals = new Burst(REFUSALS, MINUTE_MS);
  readonly #agents = new Set<string>();
  /** When a secret was last used, by scope and name. */
  readonly #uses = new Map<string, number>();
  /** When what was raised, by rule and subject. */
  readonly #quiet = new Map<string, number>();

  constructor({ clock, rules = () => ({}) }: AlertsOptions) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /** Learns from an entry of the past: raises nothing. */
  learn(entry: AuditEntry): void {
    const at = Date.parse(entry.time);
    if (entry.action === 'alert') {
      const rule = RULES.find((name) => name === entry.rule);
      if (rule !== undefined) this.#quiet.set(subjectOf({ ...entry, rule }), at);
    }
    if (!isCall(entry)) return;
    if (entry.agent !== undefined) this.#agents.add(entry.agent);
    if (entry.outcome === 'refused') return;
    for (const name of entry.secrets ?? []) this.#uses.set(useOf(entry.scope, name), at);
  }

  /** Looks at a new entry. */
  observe(entry: AuditEntry): void {
    const { agent, server, errorKind, outcome } = entry;
    const raise = (alert: Pick<Alert, 'rule' | 'message' | 'severity'>): void => {
      this.#raise({ ...(agent === undefined ? {} : { agent }), ...(server === undefined ? {} : { server }), ...alert });
    };
    if (entry.action === 'agent.refuse') {
      const count = this.#refusals.add(this.#clock.steady(), entry.count ?? 1);
      if (count !== undefined) this.#raise({ rule: 'tokensRefused', severity: 'warning', message: messages.tokensRefused(count) });
    }
    if (isCall(entry)) {
      if (agent !== undefined && !this.#agents.has(agent))
        raise({ rule: 'newAgent', severity: 'info', message: messages.newAgent(agent, server) });
      if (outcome === 'refused' && !KNOWN_REFUSALS.has(errorKind))
        raise({ rule: 'callDenied', severity: 'warning', message: messages.callDenied(agent, server, errorKind) });
    }
    if (entry.action === 'tools.change') {
      const message = messages.toolsChanged(server, errorKind, entry.tool === undefined ? [] : [entry.tool], entry.count ?? 1);
      raise({ rule: 'toolsChanged', severity: 'warning', message });
    }
    this.learn(entry);
  }

  /** For the proxy, which knows: a call asked for an expired secret, whether it was refused then or not. */
  noteExpired(secret: string, server: string): void {
    this.#raise({ rule: 'secretExpired', severity: 'warning', server, secrets: [secret], message: messages.secretExpired(secret, server) });
  }

  /** Looks for secrets that neither the past entries nor the new ones show in use. To be asked about once a day. */
  checkUnused(secrets: readonly SecretUse[]): void {
    const now = this.#clock.now();
    for (const { name, scope, updatedAt } of secrets) {
      const days = Math.floor((now - Math.max(updatedAt, this.#uses.get(useOf(scope, name)) ?? 0)) / DAY_MS);
      if (days < UNUSED_DAYS) continue;
      const where = scope === undefined ? {} : { scope };
      this.#raise({ rule: 'secretUnused', severity: 'info', secrets: [name], ...where, message: messages.secretUnused(name, scope, days) });
    }
  }

  dispose(): void {
    this.#raised.dispose();
  }

  #raise(alert: Alert): void {
    if (this.#rules()[alert.rule] === false) return;
    const now = this.#clock.now();
    const subject = subjectOf(alert);
    if (isQuiet(now - (this.#quiet.get(subject) ?? -Infinity), alert.rule)) return;
    this.#quiet.set(subject, now);
    this.#raised.fire(alert);
  }
}

function isCall({ action }: AuditEntry): boolean {
  return action === 'call' || action === 'request';
}

/** Whether an alert that was raised so many ms ago keeps another one back. One from the future does not: the clock was wrong then. */
function isQuiet(age: number, rule: RuleName): boolean {
  return age >= 0 && age < QUIET_MS[rule];
}

/** What an alert is about, from the alert or from its entry. */
function subjectOf({ rule, agent, server, secrets, scope }: Pick<Alert, 'rule' | 'agent' | 'server' | 'secrets' | 'scope'>): string {
  return JSON.stringify([rule, agent, server, secrets, scope]);
}

/** Names of secrets have no spaces. */
function useOf(scope: string | undefined, name: string): string {
  return `${name} ${scope ?? ''}`;
}
