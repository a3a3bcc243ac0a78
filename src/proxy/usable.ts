import type { Approvals } from '../bindings/approvals';
import { shapeDigest } from '../bindings/plan';
import type { Server } from '../bindings/server';
import type { ServersSource } from '../bindings/source';
import type { ServerStates } from './serverStates';

/** What decides whether a server may be used. */
export interface UsableOptions {
  readonly vault: { readonly refuseUnlessOpen: () => void };
  readonly servers: ServersSource;
  readonly approvals: Approvals;
}

/**
 * What may be done with a server while nobody asks for it: nothing while the vault is locked, the server is stopped, or its
 * plan is not approved or another one than before.
 * @returns the server as the servers file has it now, if it may be used.
 */
export function usableServers(
  { vault, servers, approvals }: UsableOptions,
  states: ServerStates,
): <S extends Server>(server: S) => S | undefined {
  return <S extends Server>(server: S) => {
    try {
      vault.refuseUnlessOpen();
      states.refuseStopped(server.name);
      const now = servers.get(server.name);
      // The same shape is the same kind of server.
      return shapeDigest(now) === shapeDigest(server) && approvals.isApproved(now) ? (now as S) : undefined;
    } catch {
      return undefined;
    }
  };
}
