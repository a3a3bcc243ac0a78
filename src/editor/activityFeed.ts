import type { AuditLog } from '../audit/auditLog';
import type { AuditEntry } from '../audit/entry';
import { readTrail } from '../audit/reader';
import { fitsFilter } from './activityFilter';
import type { ActivityFilter } from './activityFilter';

/** An entry, and its number if it is in the trail already. */
export type ActivityEntry = AuditEntry & { readonly seq?: number };

/** What there is to show. */
export interface ActivityPage {
  /** Newest first. */
  readonly entries: readonly ActivityEntry[];
  /** Whether there are older ones. */
  readonly hasMore: boolean;
}

/** The entries of one filter that were read, and how far. */
interface Window {
  readonly filter: ActivityFilter;
  readonly limit: number;
  /** Newest first. One more than `limit` if there are that many. */
  entries: Numbered[];
  /** The number of the newest entry that was looked at. */
  top: number;
}

type Numbered = ActivityEntry & { readonly seq: number };

/**
 * The newest entries that fit a filter, of all processes. The trail is read backwards as far as it takes, once for each filter;
 * what comes then is taken from its end, so that a busy trail of many thousands costs no more than a short one.
 */
export class ActivityFeed {
  readonly #audit: AuditLog;
  #window: Window | undefined;

  constructor(audit: AuditLog) {
    this.#audit = audit;
  }

  /** @param limit how many entries, at most. @param now ms since the epoch. @throws the system's error. */
  async read(filter: ActivityFilter, limit: number, now: number): Promise<ActivityPage> {
    const recent: readonly ActivityEntry[] = this.#audit.recent();
    const known = this.#window;
    const window =
      known?.filter === filter && known.limit === limit && follows(recent, known) ? known : await this.#open(filter, limit, recent, now);
    take(recent, window, now);
    const pending = recent.filter((entry) => !isNumbered(entry) && fitsFilter(entry, filter, now)).reverse();
    // What was within the last hour when it was read may not be any more.
    const entries = [...pending, ...window.entries.filter((entry) => fitsFilter(entry, filter, now))];
    return { entries: entries.slice(0, limit), hasMore: entries.length > limit };
  }

  /** Has the next `read` read everything again. */
  forget(): void {
    this.#window = undefined;
  }

  async #open(filter: ActivityFilter, limit: number, recent: readonly ActivityEntry[], now: number): Promise<Window> {
    const top = recent.findLast(isNumbered)?.seq ?? 0;
    const entries: Numbered[] = [];
    const where = (entry: Numbered): boolean => entry.seq <= top && fitsFilter(entry, filter, now);
    for await (const { entry } of readTrail(this.#audit.path, { limit: limit + 1, where })) entries.unshift(entry);
    return (this.#window = { filter, limit, entries, top });
  }
}

/** Whether nothing is missing between what was read and the end of the trail. If the trail has become shorter, it is another one. */
function follows(recent: readonly ActivityEntry[], { top }: Window): boolean {
  const numbered = recent.filter(isNumbered);
  const [first, last] = [numbered.at(0)?.seq ?? 0, numbered.at(-1)?.seq ?? 0];
  return first <= top + 1 && last >= top;
}

function take(recent: readonly ActivityEntry[], window: Window, now: number): void {
  const { filter, limit, top } = window;
  const news = recent.filter(isNumbered).filter(({ seq }) => seq > top);
  const fitting = news.filter((entry) => fitsFilter(entry, filter, now)).reverse();
  window.entries = [...fitting, ...window.entries].slice(0, limit + 1);
  window.top = news.at(-1)?.seq ?? top;
}

function isNumbered(entry: ActivityEntry): entry is Numbered {
  return entry.seq !== undefined;
}
