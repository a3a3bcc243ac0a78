import { visible } from '../../shared/visible';
import type { AuditEntry } from '../entry';

/** An entry on its way to a receiver. */
export interface StreamRecord {
  /** `<run>-<number>`, unique. An entry may arrive twice; a receiver tells by this. */
  readonly id: string;
  readonly entry: AuditEntry;
}

/** One fact of an entry. */
export type Field = readonly [name: string, value: string | number | readonly string[] | Readonly<Record<string, number>>];

/** Written by us, but read back from a disk: what is not as expected is not sent. Returns undefined then. */
export function parseRecord(line: string): StreamRecord | undefined {
  try {
    const { id, entry } = JSON.parse(line) as Partial<StreamRecord>;
    const sound = typeof id === 'string' && typeof entry?.action === 'string' && isOutcome(entry.outcome) && isTime(entry.time);
    return sound ? { id, entry } : undefined;
  } catch {
    return undefined;
  }
}

/** Everything that an entry says, its time apart, in the order in which it says it. Text is as `visible` shows it. */
export function fieldsOf({ entry }: StreamRecord): Field[] {
  return Object.entries(entry).flatMap(([name, value]: [string, unknown]): Field[] => {
    if (name === 'time' || !/^[A-Za-z][A-Za-z0-9]{0,31}$/.test(name)) return [];
    if (typeof value === 'string') return [[name, visible(value)]];
    if (typeof value === 'number' && Number.isFinite(value)) return [[name, value]];
    if (Array.isArray(value)) return [[name, value.map((item) => visible(String(item)))]];
    if (typeof value === 'object' && value !== null) {
      const pairs = Object.entries(value).filter((pair): pair is [string, number] => Number.isFinite(pair[1]));
      return [[name, Object.fromEntries(pairs.map(([key, number]) => [visible(key), number]))]];
    }
    return [];
  });
}

/** An entry in a few words, for people who read logs: `agent "Claude": call github/create_issue, refused (tokenWrong)`. */
export function sentenceOf({ entry }: StreamRecord): string {
  const { actor, agent, action, server, tool, method, secrets, outcome, errorKind, rule } = entry;
  const who = agent === undefined ? actor : `${actor} "${agent}"`;
  const where = [server, tool ?? method].filter((part) => part !== undefined && part !== '').join('/');
  const what = [action, rule, where, secrets?.join(',')].filter((part) => part !== undefined && part !== '').join(' ');
  return visible(`${who}: ${what}, ${outcome}${errorKind === undefined ? '' : ` (${errorKind})`}`);
}

function isOutcome(outcome: unknown): boolean {
  return outcome === 'ok' || outcome === 'error' || outcome === 'refused';
}

function isTime(time: unknown): time is string {
  return typeof time === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time) && !Number.isNaN(Date.parse(time));
}
