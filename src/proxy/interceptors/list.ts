import type { AuditSink } from '../../audit/entry';
import type { Clock } from '../../shared/clock';
import type { Interceptor } from '../call';
import { audit } from './audit';
import { redact } from './redact';

/** Every step that a call passes, in order. */
export function interceptors(approval: Interceptor, sink: AuditSink, clock: Clock): Interceptor[] {
  return [approval, redact, audit(sink, clock)];
}
