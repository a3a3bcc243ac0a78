import type { AuditSink } from '../../audit/entry';
import type { Clock } from '../../shared/clock';
import type { Interceptor } from '../call';

/** Writes down who called what with which secrets, and how it ended. */
export function audit(sink: AuditSink, clock: Clock): Interceptor {
  return {
    after: (call, end) => {
      sink.record({
        time: new Date(call.startedAt).toISOString(),
        actor: 'agent',
        action: call.method === 'tools/call' ? 'call' : 'request',
        agent: call.agent,
        server: call.server,
        ...(call.method === 'tools/call' ? { tool: call.tool ?? '' } : { method: call.method.slice(0, 128) }),
        secrets: call.secrets,
        outcome: end.outcome,
        durationMs: Math.max(0, Math.round(clock.now() - call.startedAt)),
        ...(end.errorKind === undefined ? {} : { errorKind: end.errorKind }),
      });
    },
  };
}
