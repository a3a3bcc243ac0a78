import { setImmediate as breath } from 'node:timers/promises';
import type { AuditOutcome } from './entry';
import { parseEntry } from './line';
import type { ChainedEntry } from './line';
import { forward } from './lines';
import { closeAll, newestFirst, openTrail } from './segments';
import type { TrailFile } from './segments';

/** Other work gets its turn after so many lines. */
const LINES_PER_TURN = 200;

/** Which entries to read. What is `undefined` does not matter. */
export interface TrailFilter {
  /** From this moment on, ms since the epoch. */
  readonly since?: number | undefined;
  /** Before this moment, ms since the epoch. */
  readonly until?: number | undefined;
  readonly action?: string | undefined;
  readonly agent?: string | undefined;
  readonly server?: string | undefined;
  /** Entries that name this secret, perhaps among others. */
  readonly secret?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  /** Whatever else is asked of an entry. */
  readonly where?: ((entry: ChainedEntry) => boolean) | undefined;
  /** The newest so many of those that fit. */
  readonly limit?: number | undefined;
}

/** An entry and its line. */
export interface TrailLine {
  readonly entry: ChainedEntry;
  /** As it stands in the file, without line break. */
  readonly text: string;
}

/** What a line says, not checked; `undefined` if it is no entry. @param bytes without line break. */
export function parseTrailLine(bytes: Buffer): TrailLine | undefined {
  const entry = parseEntry(bytes);
  return entry && { entry, text: bytes.toString('utf8') };
}

/** Whether an entry fits a filter (whose `limit` does not matter here). */
export function fits(entry: ChainedEntry, { since, until, action, agent, server, secret, outcome, where }: TrailFilter): boolean {
  const time = since === undefined && until === undefined ? 0 : Date.parse(entry.time);
  return (
    (since === undefined || time >= since) &&
    (until === undefined || time < until) &&
    (action === undefined || entry.action === action) &&
    (agent === undefined || entry.agent === agent) &&
    (server === undefined || entry.server === server) &&
    (secret === undefined || entry.secrets?.includes(secret) === true) &&
    (outcome === undefined || entry.outcome === outcome) &&
    (where === undefined || where(entry))
  );
}

/**
 * The entries of a trail as it is at this moment, oldest first, letting other work go on meanwhile. Not checked: `verifyTrail`
 * does that. Lines that are no entries are passed over. A trail that is not there has none. @throws the system's error.
 */
export async function* readTrail(path: string, filter: TrailFilter = {}): AsyncGenerator<TrailLine> {
  const files = openTrail(path);
  try {
    if (filter.limit !== undefined) yield* await newest(files, filter, filter.limit);
    else for (const { file, size } of files) yield* entriesOf(forward(file, size), filter);
  } finally {
    closeAll(files);
  }
}

async function newest(files: readonly TrailFile[], filter: TrailFilter, limit: number): Promise<TrailLine[]> {
  const found: TrailLine[] = [];
  if (limit < 1) return found;
  for await (const line of entriesOf(newestFirst(files), filter)) {
    found.push(line);
    if (found.length >= limit) break;
  }
  return found.reverse();
}

async function* entriesOf(lines: Iterable<{ bytes: Buffer; whole: boolean }>, filter: TrailFilter): AsyncGenerator<TrailLine> {
  let count = 0;
  for (const { bytes, whole } of lines) {
    if (++count % LINES_PER_TURN === 0) await breath();
    const line = whole ? parseTrailLine(bytes) : undefined;
    if (line !== undefined && fits(line.entry, filter)) yield line;
  }
}
