import type { AuditEntry, AuditSink } from '../audit/entry';
import type { Seen } from './pinRules';

/** Records what was found in a list of tools. One entry for all of a kind: a server can have thousands. */
export function recordSeen(audit: AuditSink, server: string, { news, trusted }: Seen): void {
  if (trusted > 0) audit.record({ actor: 'product', action: 'tools.accept', server, count: trusted, outcome: 'ok' });
  recordNews(audit, server, 'toolChanged', news.changed);
  recordNews(audit, server, 'toolFlagged', news.flagged);
  recordNews(audit, server, 'toolNew', news.new);
}

/** Records that these are blocked now. */
export function recordNews(audit: AuditSink, server: string, errorKind: string, names: readonly string[]): void {
  const entry = entryOf('product', 'tools.change', server, names);
  if (entry !== undefined) audit.record({ ...entry, outcome: 'refused', errorKind });
}

/** Records that a person has accepted these. */
export function recordAccepted(audit: AuditSink, server: string, names: readonly string[], actor: AuditEntry['actor']): void {
  const entry = entryOf(actor, 'tools.accept', server, names);
  if (entry !== undefined) audit.record(entry);
}

function entryOf(
  actor: AuditEntry['actor'],
  action: 'tools.change' | 'tools.accept',
  server: string,
  names: readonly string[],
): Omit<AuditEntry, 'time'> | undefined {
  const [tool] = names;
  if (tool === undefined) return undefined;
  return { actor, action, server, tool, ...(names.length > 1 ? { count: names.length } : {}), outcome: 'ok' };
}
