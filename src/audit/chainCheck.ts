import { isTrusted } from './chainEnd';
import { isGenuine } from './head';
import type { FoundHead, Head } from './head';
import type { KeyRing } from './keyRing';
import type { Line } from './line';
import type { RawLine } from './lines';
import { isSealed, NO_KEY } from './sealedLine';

/**
 * `edited`: the line is not what was written. `missing`: one or more lines are gone. `reordered`: the line is not in its place,
 * or there twice. `truncated`: the end is gone, or the head that says where the end is. `torn`: a line that was whole is cut.
 * `unkeyed`: written without a key although the trail has one. `foreign`: written under a key that is not there.
 */
export type TrailProblemKind = 'edited' | 'missing' | 'reordered' | 'truncated' | 'torn' | 'unkeyed' | 'foreign';

/** Something that is wrong with a trail. */
export interface TrailProblem {
  readonly kind: TrailProblemKind;
  /** The number of the entry that is concerned: that of the line, or of the first one that is not there. */
  readonly seq: number;
  /** The name of the file that shows it. */
  readonly file: string;
}

/** What checking a trail has found. */
export interface TrailReport {
  /** Whether every entry is there, in order, unchanged, and could be checked. */
  readonly ok: boolean;
  /** How many entries there are (up to the problem, if the chain is broken). */
  readonly entries: number;
  /** Entries from before there was a key: in order, but anybody could have written them so. */
  readonly unkeyed: number;
  /** Entries that cannot be checked, because their key is not there. */
  readonly uncheckable: number;
  /** Whether an unfinished line is at the end, as a crash leaves it. The next writer removes it. */
  readonly unfinished: boolean;
  /** The first thing that is wrong; of what merely cannot be checked, only if nothing is. */
  readonly problem?: TrailProblem;
}

/** Follows a chain from line to line, and remembers the first thing that is wrong. */
export class ChainCheck {
  readonly #found: FoundHead;
  /** The head, unless it is known to be false. */
  readonly #head: Head | undefined;
  readonly #headFile: string;
  readonly #ring: KeyRing;
  /** The number that comes next. Unknown at the start of a trail without a head. */
  #seq: number | undefined;
  /** The mac that the next line is tied to, if it is known. */
  #previous: string | undefined;
  /** The key of the newest line that has one. */
  #keyed: string | undefined;
  #entries = 0;
  #unkeyed = 0;
  #uncheckable = 0;
  #unfinished = false;
  #broken: TrailProblem | undefined;
  #doubt: TrailProblem | undefined;

  /** @param found the head; its key is in the ring. @param headFile the name of its file. */
  constructor(found: FoundHead, headFile: string, ring: KeyRing) {
    this.#found = found;
    this.#headFile = headFile;
    this.#ring = ring;
    if (found.state === 'found' && (!ring.canCheck(found.head.key) || isGenuine(found.line, ring.get(found.head.key)))) {
      this.#head = found.head;
      this.#seq = found.head.first;
      this.#previous = found.head.firstPrev;
    }
  }

  /** Takes the next line. @param line what `raw` is, if it has the form of a line; its key is in the ring. */
  next(raw: RawLine, line: Line | undefined, file: string, isLastFile: boolean): void {
    if (this.#broken !== undefined) {
      // What seemed to be gone may be further on.
      if (this.#broken.kind === 'missing' && line?.seq === this.#broken.seq) this.#broken = { ...this.#broken, kind: 'reordered' };
      return;
    }
    if (!raw.whole) this.#takeTorn(file, isLastFile);
    else if (line === undefined) this.#fail('edited', this.#seq ?? 1, file);
    else this.#take(line, file);
  }

  /** What has been found. */
  finish(): TrailReport {
    const next = this.#seq ?? 1;
    const isEmpty = this.#entries === 0 && this.#found.state === 'absent';
    if (!isEmpty && !this.#reachesHead(next)) this.#broken ??= { kind: 'truncated', seq: next, file: this.#headFile };
    if (this.#head !== undefined && !this.#ring.canCheck(this.#head.key))
      this.#doubt ??= { kind: 'foreign', seq: next, file: this.#headFile };
    const problem = this.#broken ?? this.#doubt;
    return {
      ok: problem === undefined,
      entries: this.#entries,
      unkeyed: this.#unkeyed,
      uncheckable: this.#uncheckable,
      unfinished: this.#unfinished,
      ...(problem && { problem }),
    };
  }

  /** Whether there is a head to be believed, and all the lines that it speaks of. */
  #reachesHead(next: number): boolean {
    return this.#found.state === 'found' && isTrusted(this.#found, this.#keyed, this.#ring) && next > this.#found.head.seq;
  }

  #take(line: Line, file: string): void {
    this.#seq ??= line.seq;
    this.#previous ??= line.seq === 1 ? '' : undefined;
    if (line.seq > this.#seq) this.#fail('missing', this.#seq, file);
    else if (line.seq < this.#seq) this.#fail('reordered', line.seq, file);
    else if (!this.#checks(line)) this.#fail('edited', line.seq, file);
    else this.#accept(line, file);
  }

  /** Whether a line is tied to the one before. A line whose key is not there, or before which nothing is known, passes. */
  #checks(line: Line): boolean {
    if (line.seq === this.#head?.seq && this.#hasKey(this.#head.key) && line.mac !== this.#head.last) return false;
    if (this.#previous === undefined || !this.#ring.canCheck(line.key)) return true;
    return isSealed(line, this.#previous, this.#ring.get(line.key));
  }

  #hasKey(id: string): boolean {
    return id !== NO_KEY && this.#ring.canCheck(id);
  }

  #accept({ seq, key, mac }: Line, file: string): void {
    this.#entries += 1;
    this.#seq = seq + 1;
    this.#previous = mac;
    if (key !== NO_KEY && !this.#ring.canCheck(key)) {
      this.#uncheckable += 1;
      this.#doubt ??= { kind: 'foreign', seq, file };
    }
    if (key !== NO_KEY) this.#keyed = key;
    else if (this.#keyed !== undefined) this.#doubt ??= { kind: 'unkeyed', seq, file };
    else this.#unkeyed += 1;
  }

  /** Behind the last line that the head covers, an unfinished line is what a crash leaves. */
  #takeTorn(file: string, isLastFile: boolean): void {
    const seq = this.#seq ?? 1;
    if (isLastFile && this.#head !== undefined && seq > this.#head.seq) this.#unfinished = true;
    else this.#fail('torn', seq, file);
  }

  #fail(kind: TrailProblemKind, seq: number, file: string): void {
    this.#broken = { kind, seq, file };
  }
}
