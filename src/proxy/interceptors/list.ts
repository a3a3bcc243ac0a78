import type { AuditSink } from '../../audit/entry';
import type { Clock } from '../../shared/clock';
import type { Interceptor } from '../call';
import { audit } from './audit';
import { redact } from './redact';

/** Every step that a call to an approved server passes, in order. */
export function interceptors(sink: AuditSink, clock: Clock): Interceptor[] {
  return [redact, audit(sink, clock)];
}
