import { setTimeout as sleep } from 'node:timers/promises';
import type { Branch } from './branch';
import type { Skipped } from './hello';

/** A server as it is offered to an agent at this moment. */
export interface Offer {
  readonly server: string;
  /** The plan under which it runs; with another one it is another server. */
  readonly plan: string;
  /** Why it is not offered, in words; `undefined` if it is. */
  readonly refusal: string | undefined;
  /** Whether it is known that it does not work now. */
  readonly failing: boolean;
}

/** What decides who takes part. */
export interface MembersOptions {
  /** The servers that there are for the agent now; `undefined` if that cannot be told: then all stays that may. Calls are checked anyway. */
  readonly offers: () => readonly Offer[] | undefined;
  /** Whether a server may stay, or the agent be told why it was not offered, while nothing is known of it. */
  readonly mayStay: (server: string) => boolean;
  /** How long the first lists wait for servers that have not answered yet, in ms. */
  readonly patienceMs: number;
  /** Makes a branch that is not open yet. */
  readonly branchOf: (server: string) => Branch;
  /** A branch takes part no more. */
  readonly left: (branch: Branch) => void;
}

/** The servers that take part in one session. They come and go; what fails is tried again. */
export class Members {
  readonly #options: MembersOptions;
  readonly #branches = new Map<string, Branch>();
  /** The plans of the branches. */
  readonly #plans = new Map<string, string>();
  readonly #joining = new Set<Promise<void>>();
  readonly #patience: Promise<unknown>;
  #refused: readonly Skipped[] = [];
  #ended = false;

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#patience = sleep(options.patienceMs, undefined, { ref: false });
  }

  /** By the names of their servers. */
  get branches(): ReadonlyMap<string, Branch> {
    return this.#branches;
  }

  /** Looks which servers there are: opens and ends branches, and tries those again that have failed and rested. */
  review(): void {
    if (this.#ended) return;
    const offers = this.#options.offers();
    if (offers === undefined) {
      this.#narrow();
      return;
    }
    this.#refused = offers.flatMap(({ server, refusal }) => (refusal === undefined ? [] : [{ server, reason: refusal }]));
    const wanted = new Map(offers.filter(({ refusal }) => refusal === undefined).map((offer) => [offer.server, offer]));
    for (const [server, branch] of this.#branches) {
      if (wanted.get(server)?.plan !== this.#plans.get(server)) this.#close(branch);
      else if (branch.mayRetry && wanted.get(server)?.failing === false) this.#join(branch);
    }
    for (const { server, plan } of wanted.values()) if (!this.#branches.has(server)) this.#add(server, plan);
  }

  /** Looks which servers there are, and waits for those that are about to join; once the first patience is over, for none. */
  async gathered(): Promise<void> {
    this.review();
    if (this.#joining.size > 0) await Promise.race([Promise.all(this.#joining), this.#patience]);
  }

  /** The servers that are not there, or not whole, and why. */
  skipped(): Skipped[] {
    const failed = [...this.#branches.values()].flatMap(({ server, problem }) =>
      problem === undefined ? [] : [{ server, reason: problem }],
    );
    return [...this.#refused, ...failed];
  }

  /** Ends all branches. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all([...this.#branches.values()].map((branch) => branch.end()));
  }

  /** Nothing is known of the servers: those that may not stay go, and the agent is not told any more why one was not offered. */
  #narrow(): void {
    const { mayStay } = this.#options;
    this.#refused = this.#refused.filter(({ server }) => mayStay(server));
    for (const [server, branch] of this.#branches) if (!mayStay(server)) this.#close(branch);
  }

  #add(server: string, plan: string): void {
    const branch = this.#options.branchOf(server);
    this.#branches.set(server, branch);
    this.#plans.set(server, plan);
    this.#join(branch);
  }

  #join(branch: Branch): void {
    const joining = branch.open().finally(() => this.#joining.delete(joining));
    this.#joining.add(joining);
  }

  #close(branch: Branch): void {
    this.#branches.delete(branch.server);
    this.#plans.delete(branch.server);
    this.#options.left(branch);
    void branch.end();
  }
}
