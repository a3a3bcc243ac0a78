import type { Approvals, Approver } from '../bindings/approvals';
import type { Server } from '../bindings/server';
import { SecretsError } from '../shared/errors';

/**
 * Lets an agent come to a server only if the server's plan was approved; asks, where somebody can be asked.
 * @returns throws SecretsError `serverUnapproved`.
 */
export function approval(approvals: Approvals, approver: Approver): (server: Server) => Promise<void> | undefined {
  const ask = async (server: Server): Promise<void> => {
    // What counts is the stored approval of this very plan, not the answer alone.
    if ((await approver.ask(server)) && approvals.isApproved(server)) return;
    throw new SecretsError('serverUnapproved', { server: server.name });
  };
  return (server) => (approvals.isApproved(server) ? undefined : ask(server));
}
