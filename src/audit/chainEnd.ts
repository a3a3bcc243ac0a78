import type { FoundHead, Head } from './head';
import { isGenuine } from './head';
import type { KeyRing } from './keyRing';
import { BEGINNING, parseLine } from './line';
import type { ChainEnd, Line } from './line';
import type { RawLine } from './lines';
import { isSealed, NO_KEY } from './sealedLine';
import { newestFirst } from './segments';
import type { TrailFile } from './segments';

/** What a writer has to know of a trail. */
export interface TrailState {
  /** What the next line is tied to. */
  readonly end: ChainEnd;
  readonly first: number;
  readonly firstPrev: string;
  /** The key of the head as it stands in its file; `undefined` if there is none, or none to be trusted. */
  readonly headKey: string | undefined;
  /** What is left of a line that was never finished, at the end of the current part: where it begins, and whether to cut it off. */
  readonly torn: { readonly start: number; readonly cut: boolean } | undefined;
}

/** A key that has to be there first. */
export interface NeededKey {
  readonly needs: string;
}

/**
 * Where a trail goes on. It never goes on in a way that hides a loss: lines that a genuine head speaks of and that are gone
 * leave their numbers unused, and where there is no genuine head one number is left out.
 */
export function stateOf(files: readonly TrailFile[], found: FoundHead, ring: KeyRing): TrailState | NeededKey {
  if (found.state === 'found' && !ring.has(found.head.key)) return { needs: found.head.key };
  const torn = tornLine(files);
  const newest = newestLine(files, () => true);
  if (newest === undefined && found.state === 'absent' && torn === undefined) {
    return { end: BEGINNING, first: 1, firstPrev: '', headKey: undefined, torn: undefined };
  }
  if (found.state === 'found' && isTrusted(found, newestLine(files, ({ key }) => key !== NO_KEY)?.key, ring)) {
    const end = endAfter(found.head, files, ring);
    if ('needs' in end) return end;
    const cut = (newest?.seq ?? found.head.first - 1) >= found.head.seq;
    const { first, firstPrev, key } = found.head;
    return { end, first, firstPrev, headKey: key, torn: torn && { start: torn.start, cut } };
  }
  const end = newest === undefined ? { seq: 1, mac: '' } : { seq: newest.seq + 1, mac: newest.mac };
  return { end, first: 1, firstPrev: '', headKey: undefined, torn: torn && { start: torn.start, cut: false } };
}

/**
 * Whether a head may be believed. One without a key is made before the first keyed line only. One whose key is gone cannot be
 * checked, nor can the lines under that key: it goes with them.
 * @param keyed the key of the newest line that has one.
 */
export function isTrusted({ head, line }: FoundHead & { state: 'found' }, keyed: string | undefined, ring: KeyRing): boolean {
  if (head.key === NO_KEY) return keyed === undefined && isGenuine(line, undefined);
  return ring.canCheck(head.key) ? isGenuine(line, ring.get(head.key)) : keyed === head.key;
}

/** A crash can leave lines that the head does not know of yet. Those that check are accepted. */
function endAfter(head: Head, files: readonly TrailFile[], ring: KeyRing): ChainEnd | NeededKey {
  const beyond: Line[] = [];
  for (const { bytes, whole } of newestFirst(files)) {
    const line = whole ? parseLine(bytes) : undefined;
    if (line === undefined) continue;
    if (line.seq <= head.seq) break;
    beyond.push(line);
  }
  let end: ChainEnd = { seq: head.seq, mac: head.last };
  for (const line of beyond.reverse()) {
    if (!ring.has(line.key)) return { needs: line.key };
    const follows = line.seq === end.seq + 1 && (!ring.canCheck(line.key) || isSealed(line, end.mac, ring.get(line.key)));
    if (!follows) break;
    end = { seq: line.seq, mac: line.mac };
  }
  return end;
}

function newestLine(files: readonly TrailFile[], wanted: (line: Line) => boolean): Line | undefined {
  for (const { bytes, whole } of newestFirst(files)) {
    const line = whole ? parseLine(bytes) : undefined;
    if (line !== undefined && wanted(line)) return line;
  }
  return undefined;
}

function tornLine(files: readonly TrailFile[]): RawLine | undefined {
  const [last] = newestFirst(files.slice(-1));
  return last?.whole === false ? last : undefined;
}
