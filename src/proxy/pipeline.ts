import type { Server } from '../bindings/server';
import { isSecretsError, SecretsError } from '../shared/errors';
import { isSubscription } from './call';
import type { Call, CallEnd, Interceptor, Outgoing } from './call';
import { numberAt, objectAt } from './jsonRpc';
import type { Message, Request } from './jsonRpc';
import { inTurn } from './inTurn';

/** Runs the interceptors, and sees to it that each call ends exactly once. */
export class Pipeline {
  /** The interceptors, by what they look at. */
  readonly #incoming: readonly Interceptor[];
  readonly #before: readonly Interceptor[];
  readonly #outgoing: readonly Interceptor[];
  readonly #after: readonly Interceptor[];
  /** The very objects that began: copies end nothing. Weak, for the reason that shared/roster.ts tells. */
  readonly #open = new WeakSet<Call>();

  constructor(interceptors: readonly Interceptor[]) {
    this.#incoming = interceptors.filter((one) => one.incoming !== undefined);
    this.#before = interceptors.filter((one) => one.before !== undefined);
    this.#outgoing = interceptors.filter((one) => one.outgoing !== undefined);
    this.#after = interceptors.filter((one) => one.after !== undefined);
  }

  /** Takes a call in. From here on it ends once, however it ends. */
  begin(call: Call): void {
    this.#open.add(call);
  }

  /** Shows the interceptors a message of an agent; no promise if none of them has to wait. @throws SecretsError (or rejects) if one refuses it. */
  incoming(message: Message, agent: string, server: Server, session?: string, call?: Call): Promise<void> | undefined {
    return inTurn(this.#incoming, (interceptor) => interceptor.incoming?.(message, agent, server, session, call));
  }

  /** Asks the interceptors; no promise if none of them has to wait. @throws SecretsError (or rejects) if one refuses the call. */
  before(call: Call, server: Server, request: Request): Promise<void> | undefined {
    // It may have ended while its server was waited for: what is begun for it now would never be ended.
    if (!this.#open.has(call)) throw new SecretsError('sessionUnknown', {});
    return inTurn(this.#before, (interceptor) => interceptor.before?.(call, server, request));
  }

  /** The JSON text of one message as the agent may see it; the same string if nothing had to change. Large ones take their time. */
  outgoing(text: string, about: Outgoing): string | Promise<string> {
    let result: string | Promise<string> = text;
    for (const interceptor of this.#outgoing) {
      const next = (clean: string): string | Promise<string> => interceptor.outgoing?.(clean, about) ?? clean;
      result = typeof result === 'string' ? next(result) : result.then(next);
    }
    return result;
  }

  /** Ends a call with the answer that the upstream gave. */
  answered(call: Call, answer: Message): void {
    if (answer.error !== undefined) {
      const code = numberAt(answer.error, 'code');
      this.end(call, { outcome: 'error', errorKind: `rpc:${code === undefined ? 'none' : String(code)}` });
    } else if (objectAt(answer, 'result')?.isError === true) this.end(call, { outcome: 'error', errorKind: 'tool' });
    else this.end(call, { outcome: 'ok' });
  }

  /** Ends a call that got no answer from the upstream; `refused` if it was not even asked. */
  failed(call: Call, error: unknown): void {
    this.end(call, {
      outcome: isSecretsError(error) && REFUSALS.has(error.kind) ? 'refused' : 'error',
      errorKind: kindOf(error),
    });
  }

  /** Ends a call whose agent has gone away without waiting for the answer. */
  abandoned(call: Call): void {
    // A subscription ends no other way.
    this.end(call, isSubscription(call) ? { outcome: 'ok' } : { outcome: 'error', errorKind: 'abandoned' });
  }

  /** Ends a call. The first end counts: false if it had ended before. */
  end(call: Call, end: CallEnd): boolean {
    if (!this.#open.delete(call)) return false;
    for (const interceptor of this.#after) interceptor.after?.(call, end);
    return true;
  }
}

const REFUSALS: ReadonlySet<string> = new Set([
  'policyDenied', 'policyArguments', 'toolNameUnclear', 'callUnapproved', 'callDeclined', 'callWithdrawn', 'callQueueFull', 'secretInMessage', 'serverUnknown', 'serverNotForAgent', 'serverInvalid', 'serversFileInvalid', 'serverUnapproved', 'sessionUnknown', 'headerMismatch', 'envelopeInvalid', 'paramsInvalid', 'methodUnknown', 'versionUnsupported', 'notJsonRpc', 'secretMissing', 'secretUnreadable', 'secretUnsendable', 'secretExpired', 'keyLost', 'vaultOlder', 'vaultAltered', 'passphraseNeeded', 'locked', 'untrusted', 'noFolder', 'serverStopped', 'sessionLimit', 'toolChanged', 'toolNew', 'toolFlagged', 'toolUnknown', 'pinsUnreadable', 'serverBusy', 'rateLimited', 'serverResting',
]); // prettier-ignore

function kindOf(error: unknown): string {
  return isSecretsError(error) ? error.kind : 'internal';
}
