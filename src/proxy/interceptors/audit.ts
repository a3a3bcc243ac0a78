import type { AuditEntry, AuditSink } from '../../audit/entry';
import type { Clock } from '../../shared/clock';
import { DEFAULT_SCOPE } from '../../vault/secret';
import type { Call, Interceptor } from '../call';

/** An id that an agent makes up can be of any length. */
const MAX_ID = 64;

function namesOf({ method, tool, id }: Call): Pick<AuditEntry, 'tool' | 'method' | 'requestId'> {
  const requestId = String(id).slice(0, MAX_ID);
  return method === 'tools/call' ? { tool: tool ?? '', requestId } : { method: method.slice(0, 128), requestId };
}

/**
 * Writes down who called what with which secrets, and how it ended.
 * @param isServer whether there is a server of a name: what else an agent puts into the path could be the value of a secret.
 */
export function audit(sink: AuditSink, clock: Clock, isServer: (name: string) => boolean): Interceptor {
  return {
    after: (call, end) => {
      const spent = clock.steady() - call.startedAt;
      const secrets = Object.keys(call.versions);
      sink.record({
        time: new Date(clock.now() - spent).toISOString(),
        actor: 'agent',
        action: call.method === 'tools/call' ? 'call' : 'request',
        agent: call.agent,
        ...(call.searched === true || isServer(call.server) ? { server: call.server } : {}),
        ...((call.mayBeNamed ?? call.searched === true) ? namesOf(call) : {}),
        ...(call.scope === undefined || call.scope === DEFAULT_SCOPE ? {} : { scope: call.scope }),
        secrets,
        ...(secrets.length === 0 ? {} : { versions: call.versions }),
        outcome: end.outcome,
        durationMs: Math.round(spent),
        ...(end.errorKind === undefined ? {} : { errorKind: end.errorKind }),
      });
    },
  };
}
