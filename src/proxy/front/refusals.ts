import type { AuditEntry, AuditSink } from '../../audit/entry';
import type { Clock } from '../../shared/clock';
import { isSecretsError } from '../../shared/errors';
import type { SecretsError } from '../../shared/errors';
import type { ErrorKind } from '../../shared/words';

const WINDOW_MS = 60_000;
/** So many a minute are recorded one by one. */
const SINGLE = 20;
const KINDS: readonly ErrorKind[] = ['tokenMissing', 'tokenWrong', 'tokenExpired', 'hostRefused', 'originRefused'];

/**
 * Records the requests that are turned away at the door. Anybody on this machine can make any number of them, so that
 * those beyond the first 20 of a minute are counted, and recorded as one entry per kind when the minute is over.
 */
export class Refusals {
  readonly #audit: AuditSink;
  readonly #clock: Clock;
  #began = -Infinity;
  #recorded = 0;
  readonly #counted = new Map<ErrorKind, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(audit: AuditSink, clock: Clock) {
    this.#audit = audit;
    this.#clock = clock;
  }

  /** Takes note of a request that was refused for this reason; other reasons are not for this record. */
  note(error: SecretsError): void {
    const { kind } = error;
    if (!KINDS.includes(kind)) return;
    if (this.#clock.steady() - this.#began >= WINDOW_MS) this.#begin();
    if (this.#recorded < SINGLE) {
      this.#recorded += 1;
      this.#audit.record({ ...entry(kind), ...agentOf(error) });
      return;
    }
    this.#counted.set(kind, (this.#counted.get(kind) ?? 0) + 1);
    this.#timer ??= setTimeout(() => {
      this.flush();
    }, WINDOW_MS).unref();
  }

  /** Records what was only counted so far. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [kind, count] of this.#counted) this.#audit.record({ ...entry(kind), count });
    this.#counted.clear();
  }

  #begin(): void {
    this.flush();
    this.#began = this.#clock.steady();
    this.#recorded = 0;
  }
}

function entry(errorKind: ErrorKind): Omit<AuditEntry, 'time'> {
  return { actor: 'agent', action: 'agent.refuse', outcome: 'refused', errorKind };
}

/** Whose token it was, where that is known. */
function agentOf(error: SecretsError): { agent?: string } {
  return isSecretsError(error, 'tokenExpired') ? { agent: error.details.agent } : {};
}
