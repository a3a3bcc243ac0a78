import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '../../shared/atomicFile';

const UNDER_WAY = /^under way since (\d+)$/;
const FORMER = /^\d+$/;
/** To clear takes seconds at most: what has taken longer was cut short by a crash. */
const LONGEST_MS = 60_000;

/** What is known of the last time that a document was cleared, that is archived or destroyed. */
export interface ClearedMark {
  /** Another one each time; empty if the document was never cleared, or if this is lost with everything else. */
  readonly id: string;
  /** When it began (ms since the epoch), if it is not done. */
  readonly since?: number;
  /** When it was done (ms since the epoch), as noted before there were ids. */
  readonly formerTime?: number;
}

/** What a copy says of when it was made. */
interface Marked {
  /** The id of the mark that it was made under. */
  readonly mark?: string;
  /** When it was made (ms since the epoch), as noted before there were ids. */
  readonly time?: number;
}

/** Whether a copy is from after the document was last cleared. Times are not asked where there are ids: clocks can be wrong. */
export function isAfter(mark: ClearedMark, copy: Marked): boolean {
  if (mark.id === '') return true;
  // While it is under way this is true of none: none is made then.
  if (copy.mark !== undefined) return copy.mark === mark.id;
  return mark.formerTime !== undefined && (copy.time ?? 0) > mark.formerTime;
}

/** Whether a mark says that clearing is under way, and has for so long that nobody is going to end it. @param now ms since the epoch. */
export function isAbandoned({ since }: ClearedMark, now: number): boolean {
  return since !== undefined && Math.abs(now - since) > LONGEST_MS;
}

/** The mark of a document in a file, which all windows read: copies in other windows cannot be reached when it is cleared. */
export class ClearedFile {
  readonly #path: string;
  readonly #formerPath: string;

  /**
   * @param path none that begins like the document's own and a dot: whoever holds its lock removes temporaries of such names.
   * @param formerPath where a time was noted before.
   */
  constructor(path: string, formerPath: string) {
    this.#path = path;
    this.#formerPath = formerPath;
  }

  /** The mark as it is now. */
  read(): ClearedMark {
    const id = textOf(this.#path) ?? textOf(this.#formerPath) ?? '';
    const since = UNDER_WAY.exec(id)?.[1];
    if (since !== undefined) return { id, since: Number(since) };
    return FORMER.test(id) ? { id, formerTime: Number(id) } : { id };
  }

  /** Says that clearing is under way. Until `end` no copy counts, and none may be made. Throws the system's error. */
  begin(): void {
    writeFileAtomic(this.#path, `under way since ${String(Date.now())}`);
  }

  /** Says that it is done: what is copied from now on counts again. Throws the system's error. */
  end(): void {
    writeFileAtomic(this.#path, randomBytes(16).toString('base64url'));
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
