import type { Approvals, Approver } from '../../bindings/approvals';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import type { Interceptor } from '../call';

/** Lets a call pass only if the plan of its server was approved; asks, where somebody can be asked. */
export function approval(approvals: Approvals, approver: Approver): Interceptor & { admit(server: Server): Promise<void> } {
  const admit = async (server: Server): Promise<void> => {
    if (approvals.isApproved(server)) return;
    // What counts is the stored approval of this very plan, not the answer alone.
    if ((await approver.ask(server)) && approvals.isApproved(server)) return;
    throw new SecretsError('serverUnapproved', { server: server.name });
  };
  return {
    admit,
    before: (_call, server) => (approvals.isApproved(server) ? undefined : admit(server)),
  };
}
