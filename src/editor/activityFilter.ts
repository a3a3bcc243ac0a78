import type { AuditEntry, AuditOutcome } from '../audit/entry';
import { DEFAULT_SCOPE } from '../vault/secret';
import { labelOf } from './secretRef';
import { count, dotted } from './views/format';

/** What an entry is about. `request`: handshakes and listings that went well, which would hide what matters. */
export type ActivityKind = 'call' | 'request' | 'change' | 'alert';

/** Which entries to show: those that fit every part that says something, each in any of its ways. */
export interface ActivityFilter {
  readonly kinds: readonly ActivityKind[];
  readonly outcomes: readonly AuditOutcome[];
  readonly agents: readonly string[];
  readonly servers: readonly string[];
  /** Labels, see `labelOf`. */
  readonly secrets: readonly string[];
  /** Not older than so many hours. */
  readonly hours?: number;
}

/** Everything but handshakes and listings that went well. */
export const NO_FILTER: ActivityFilter = { kinds: [], outcomes: [], agents: [], servers: [], secrets: [] };

/** The kinds in words. */
export const KIND_WORDS: Readonly<Record<ActivityKind, string>> = {
  call: 'Calls',
  change: 'Changes',
  alert: 'Alerts',
  request: 'Handshakes and Listings',
};

/** The outcomes in words. */
export const OUTCOME_WORDS: Readonly<Record<AuditOutcome, string>> = { ok: 'Succeeded', error: 'Failed', refused: 'Refused' };

/** The spans of time to choose from. */
export const SPANS: readonly { readonly hours: number; readonly label: string }[] = [
  { hours: 1, label: 'Last Hour' },
  { hours: 24, label: 'Last Day' },
  { hours: 7 * 24, label: 'Last Week' },
];

const HOUR_MS = 3_600_000;
/** A description has no room for more names. */
const NAMES_SHOWN = 3;

/** Whether a filter says nothing. */
export function isEmpty({ kinds, outcomes, agents, servers, secrets, hours }: ActivityFilter): boolean {
  return hours === undefined && [kinds, outcomes, agents, servers, secrets].every((part) => part.length === 0);
}

/** What an entry is about. */
export function kindOf({ action, outcome }: AuditEntry): ActivityKind {
  if (action === 'request' && outcome === 'ok') return 'request';
  if (action === 'call' || action === 'request') return 'call';
  return action === 'alert' || action === 'agent.refuse' ? 'alert' : 'change';
}

/** The secrets of an entry, by their labels. */
export function secretLabels({ scope = DEFAULT_SCOPE, secrets = [] }: AuditEntry): string[] {
  return secrets.map((name) => labelOf({ scope, name }));
}

/** Whether an entry is to be shown. @param now ms since the epoch. */
export function fitsFilter(entry: AuditEntry, filter: ActivityFilter, now: number): boolean {
  const kind = kindOf(entry);
  return (
    (filter.kinds.length === 0 ? kind !== 'request' : filter.kinds.includes(kind)) &&
    (filter.hours === undefined || Date.parse(entry.time) >= now - filter.hours * HOUR_MS) &&
    isAmong(filter.outcomes, entry.outcome) &&
    isAmong(filter.agents, entry.agent) &&
    isAmong(filter.servers, entry.server) &&
    (filter.secrets.length === 0 || secretLabels(entry).some((label) => filter.secrets.includes(label)))
  );
}

/** A filter in a few words: `Calls · Refused · github · Last Day`. */
export function filterWords({ kinds, outcomes, agents, servers, secrets, hours }: ActivityFilter): string {
  return dotted(
    some(kinds.map((kind) => KIND_WORDS[kind])),
    some(outcomes.map((outcome) => OUTCOME_WORDS[outcome])),
    some(agents),
    some(servers),
    some(secrets),
    SPANS.find((span) => span.hours === hours)?.label ?? (hours === undefined ? undefined : `Last ${count(hours, 'hour')}`),
  );
}

function isAmong<T>(wanted: readonly T[], value: T | undefined): boolean {
  return wanted.length === 0 || (value !== undefined && wanted.includes(value));
}

function some(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
}
