import type { Approvals } from '../../bindings/approvals';
import { shapeDigest } from '../../bindings/plan';
import type { ServersSource } from '../../bindings/source';
import { messageOf, SecretsError } from '../../shared/errors';
import type { ServerStates } from '../serverStates';
import type { Offer } from './members';

/** What decides which servers an agent is offered. */
export interface OffersOptions {
  readonly servers: ServersSource;
  readonly approvals: Approvals;
  readonly states: ServerStates;
  /** Whether an agent may use a server. Of others it is not even told whether there are any. */
  readonly mayUse: (agent: string, server: string) => boolean;
}

/**
 * The servers that an agent is offered among all, at this moment, in the order of the servers file. Asks nobody, and never throws.
 * @returns `undefined` if that cannot be told now: somebody is writing the file, or has a mistake in it that spoils all of it.
 */
export function offersFor(agent: string, { servers, approvals, states, mayUse }: OffersOptions): Offer[] | undefined {
  try {
    const { servers: valid, problems, spoiled } = servers.file();
    if (spoiled === true) return undefined;
    const broken = new Set(problems.flatMap(({ server }) => (server === undefined || valid.has(server) ? [] : [server])));
    const refused = [...broken].map((server) => ({ server, plan: '', failing: false, refusal: reasonOf(() => servers.get(server)) ?? '' }));
    const offered = [...valid.values()].map((server) => ({
      server: server.name,
      plan: shapeDigest(server),
      failing: states.failure(server.name) !== undefined,
      refusal: reasonOf(() => {
        states.refuseStopped(server.name);
        if (!approvals.isApproved(server)) throw new SecretsError('serverUnapproved', { server: server.name });
      }),
    }));
    return [...offered, ...refused].filter(({ server }) => mayUse(agent, server));
  } catch {
    // The file, or the store of agents, cannot be read now.
    return undefined;
  }
}

/** Whether a server may stay with an agent for which it cannot be told what there is. Its access may have been narrowed meanwhile. */
export function mayStay(agent: string, server: string, { mayUse }: Pick<OffersOptions, 'mayUse'>): boolean {
  try {
    return mayUse(agent, server);
  } catch {
    // The store of agents cannot be read now. Calls are checked anyway.
    return true;
  }
}

/** Why something is refused, in words. */
function reasonOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
