import { closeSync, fstatSync, mkdirSync, openSync, promises as fs, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecord } from './record';
import type { StreamRecord } from './record';

const SEGMENT = /^(\d{8})\.jsonl$/;
const CURSOR = 'cursor';
const LARGEST_SEGMENT = 1024 * 1024;

/** A place in a spool: a byte in a segment. */
interface Position {
  readonly segment: number;
  readonly offset: number;
}

interface Segment {
  readonly number: number;
  bytes: number;
}

/** Records to be delivered together. */
export interface Batch {
  readonly records: readonly StreamRecord[];
  /** How many lines it covers, damaged ones included. */
  readonly lines: number;
  readonly end: Position;
}

/**
 * Records on their way to one receiver, kept on disk until they are delivered: segments of JSON lines that are only
 * ever appended to, and a cursor that says what was delivered (folder 0700, files 0600). A record is in the file, if
 * not yet on the platter, when `append` returns: it survives the end of the process. The cursor may be older than the
 * truth after a crash; then records are delivered twice, never not at all.
 * Bounded: when it is full, the oldest segment goes, delivered or not.
 */
export class Spool {
  readonly folder: string;
  readonly #maxBytes: number;
  readonly #segmentBytes: number;
  readonly #onDrop: (lines: number) => void;
  #segments: Segment[] = [];
  #cursor: Position = { segment: 0, offset: 0 };
  #waiting = 0;
  #file: number | undefined;

  /** @param onDrop told how many undelivered records were given up for lack of room. */
  private constructor(folder: string, maxBytes: number, onDrop: (lines: number) => void) {
    this.folder = folder;
    this.#maxBytes = maxBytes;
    this.#segmentBytes = Math.min(LARGEST_SEGMENT, Math.ceil(maxBytes / 8));
    this.#onDrop = onDrop;
  }

  /** A new spool in a folder that is made. Throws the system's error. */
  static create(folder: string, maxBytes: number, onDrop: (lines: number) => void): Spool {
    mkdirSync(folder, { mode: 0o700 });
    return new Spool(folder, maxBytes, onDrop);
  }

  /** A spool that another process has left. Nothing is appended to it. Rejects with the system's error. */
  static async open(folder: string, maxBytes: number, onDrop: (lines: number) => void): Promise<Spool> {
    const spool = new Spool(folder, maxBytes, onDrop);
    spool.#cursor = await readCursor(folder);
    await spool.refresh();
    return spool;
  }

  /** Looks again at what is in the files: another process may have added to them. Rejects with the system's error. */
  async refresh(): Promise<void> {
    const numbers = (await fs.readdir(this.folder)).flatMap((name) => SEGMENT.exec(name)?.[1] ?? []).sort();
    const segments: Segment[] = [];
    let waiting = 0;
    for (const number of numbers.map(Number)) {
      const content = await fs.readFile(this.#path(number));
      segments.push({ number, bytes: content.length });
      waiting += countLines(content.subarray(this.#deliveredOf(number)));
    }
    this.#segments = segments;
    this.#waiting = waiting;
  }

  /** How many records wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Adds a record. Throws the system's error, or one that says that the file was deleted by somebody. */
  append(record: StreamRecord): void {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    const { segment, file } = this.#writable();
    try {
      if (fstatSync(file).nlink === 0) throw new Error('deleted');
      for (let written = 0; written < line.length;) written += writeSync(file, line, written);
    } catch (error) {
      // Half a line may be there. Nothing comes behind it, and `bytes` ends before it.
      this.close();
      throw error;
    }
    segment.bytes += line.length;
    this.#waiting += 1;
    this.#makeRoom();
  }

  /** The oldest records that are not delivered, at most so many. Undefined if there are none. Rejects with the system's error. */
  async next(maxLines: number): Promise<Batch | undefined> {
    for (const { number, bytes } of [...this.#segments]) {
      const offset = this.#deliveredOf(number);
      if (offset >= bytes) continue;
      const content = (await fs.readFile(this.#path(number))).subarray(offset, bytes);
      let end = 0;
      let lines = 0;
      const records: StreamRecord[] = [];
      for (let feed = content.indexOf(10); feed >= 0 && lines < maxLines; feed = content.indexOf(10, end)) {
        const record = parseRecord(content.toString('utf8', end, feed));
        if (record !== undefined) records.push(record);
        end = feed + 1;
        lines += 1;
      }
      // What has no end was cut off when its writer died, before it was acknowledged to anybody.
      if (lines === 0) continue;
      return { records, lines, end: { segment: number, offset: offset + end } };
    }
    return undefined;
  }

  /** Notes that a batch is delivered. A cursor that cannot be written costs a second delivery after a crash, nothing else. */
  async commit({ end, lines }: Batch): Promise<void> {
    // The batch may have been dropped in the meantime, to make room.
    if (!isBefore(this.#cursor, end) || !this.#segments.some(({ number }) => number === end.segment)) return;
    this.#cursor = end;
    this.#waiting -= lines;
    await this.#writeCursor().catch(() => undefined);
    const done = this.#segments.filter(
      (s) => s.number <= end.segment && this.#deliveredOf(s.number) >= s.bytes && s !== this.#segments.at(-1),
    );
    for (const segment of done) this.#remove(segment);
  }

  /** Lets go of the file; what is not delivered stays on disk. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Deletes everything. */
  remove(): void {
    this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The last segment, or a new one where that is full. */
  #writable(): { segment: Segment; file: number } {
    const last = this.#segments.at(-1);
    if (last !== undefined && this.#file !== undefined && last.bytes < this.#segmentBytes) return { segment: last, file: this.#file };
    this.close();
    const segment = { number: (last?.number ?? 0) + 1, bytes: 0 };
    const file = openSync(this.#path(segment.number), 'ax', 0o600);
    this.#file = file;
    this.#segments.push(segment);
    return { segment, file };
  }

  #makeRoom(): void {
    const total = (): number => this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
    for (
      let [oldest] = this.#segments;
      oldest !== undefined && this.#segments.length > 1 && total() > this.#maxBytes;
      [oldest] = this.#segments
    ) {
      const lost = countLines(readFileSync(this.#path(oldest.number)).subarray(this.#deliveredOf(oldest.number)));
      this.#remove(oldest);
      this.#waiting -= lost;
      if (lost > 0) this.#onDrop(lost);
    }
  }

  #remove(segment: Segment): void {
    this.#segments = this.#segments.filter((other) => other !== segment);
    rmSync(this.#path(segment.number), { force: true });
  }

  /** How many bytes of a segment are delivered. */
  #deliveredOf(number: number): number {
    return number < this.#cursor.segment ? Infinity : number === this.#cursor.segment ? this.#cursor.offset : 0;
  }

  async #writeCursor(): Promise<void> {
    const next = join(this.folder, `${CURSOR}.tmp`);
    await fs.writeFile(next, JSON.stringify(this.#cursor), { mode: 0o600 });
    await fs.rename(next, join(this.folder, CURSOR));
  }

  #path(segment: number): string {
    return join(this.folder, `${String(segment).padStart(8, '0')}.jsonl`);
  }
}

/** A cursor that is not there, or not readable, is at the beginning. */
async function readCursor(folder: string): Promise<Position> {
  try {
    const { segment, offset } = JSON.parse(await fs.readFile(join(folder, CURSOR), 'utf8')) as Partial<Position>;
    if (Number.isSafeInteger(segment) && Number.isSafeInteger(offset)) return { segment: Number(segment), offset: Number(offset) };
  } catch {
    // Everything that is there is delivered once more.
  }
  return { segment: 0, offset: 0 };
}

function isBefore(a: Position, b: Position): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset);
}

function countLines(content: Buffer): number {
  let lines = 0;
  for (let feed = content.indexOf(10); feed >= 0; feed = content.indexOf(10, feed + 1)) lines += 1;
  return lines;
}
