import { numberAt } from '../jsonRpc';
import type { Message, RequestId } from '../jsonRpc';
import type { Asking } from './ask';
import { subscriptionOf } from './forLegacyAgent';

/** How long until a subscription that has ended is opened again: twice as long each time, until something is heard. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;

/** Errors that trying again does not mend: the server does not know subscriptions, or not these. */
const FINAL: readonly unknown[] = [-32601, -32602];

interface Subscription {
  readonly asking: Asking;
  /** The filter, as JSON text. */
  readonly filter: string;
}

/** A modern server's `subscriptions/listen` with the filter that is wanted at the time, opened again when it ends. */
export class ChangeStream {
  readonly #open: (filter: unknown) => Asking;
  readonly #heard: (message: Message) => void;
  /** JSON text. */
  #wanted: string | undefined;
  #current: Subscription | undefined;
  /** Those that the server has not acknowledged yet, with what to do when it does. */
  readonly #opening = new Map<RequestId, { readonly asking: Asking; readonly acknowledged: () => void }>();
  #timer: NodeJS.Timeout | undefined;
  #waitMs = FIRST_WAIT_MS;

  /** @param open opens one; what is heard on it is to be given to `hear`. @param heard takes the notifications. */
  constructor(open: (filter: unknown) => Asking, heard: (message: Message) => void) {
    this.#open = open;
    this.#heard = heard;
  }

  /** Sets what is wanted; `undefined`: nothing. Settles when the server has acknowledged it, or has failed to. */
  async want(filter: object | undefined): Promise<void> {
    const wanted = filter === undefined ? undefined : JSON.stringify(filter);
    if (wanted === this.#wanted) return;
    if (wanted === undefined) {
      this.close();
      return;
    }
    this.#wanted = wanted;
    clearTimeout(this.#timer);
    await this.#start(wanted);
  }

  /** A notification of a subscription, whichever way it came. */
  hear(message: Message): void {
    const id = subscriptionOf(message);
    if (message.method === 'notifications/subscriptions/acknowledged') {
      if (id !== undefined) this.#opening.get(id)?.acknowledged();
    } else if (id === undefined || id === this.#current?.asking.id) {
      this.#waitMs = FIRST_WAIT_MS;
      this.#heard(message);
    }
  }

  /** Ends it. */
  close(): void {
    clearTimeout(this.#timer);
    this.#wanted = undefined;
    this.#current?.asking.cancel();
    this.#current = undefined;
    for (const { asking } of [...this.#opening.values()]) asking.cancel();
  }

  #start(filter: string): Promise<void> {
    return new Promise((resolve) => {
      const asking = this.#open(JSON.parse(filter));
      const acknowledged = (): void => {
        this.#opening.delete(asking.id);
        if (this.#wanted === filter) {
          // The former one ends when the new one has begun: nothing is missed in between.
          this.#current?.asking.cancel();
          this.#current = { asking, filter };
        } else asking.cancel();
        resolve();
      };
      this.#opening.set(asking.id, { asking, acknowledged });
      const over = (error: unknown): void => {
        this.#opening.delete(asking.id);
        resolve();
        if (this.#current?.asking === asking) this.#current = undefined;
        if (this.#wanted === filter && this.#current?.filter !== filter && !FINAL.includes(numberAt(error, 'code')))
          this.#startLater(filter);
      };
      asking.answer.then(({ message }) => {
        over(message.error);
      }, over);
    });
  }

  #startLater(filter: string): void {
    this.#timer = setTimeout(() => void this.#start(filter), this.#waitMs).unref();
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }
}
