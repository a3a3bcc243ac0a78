import { closeSync, ftruncateSync, existsSync, lstatSync, renameSync, writeSync } from 'node:fs';
import { stateOf } from './chainEnd';
import type { NeededKey, TrailState } from './chainEnd';
import type { AuditEntry } from './entry';
import { putFormerAside } from './former';
import { headBytes, parseHead, writeHead } from './head';
import type { KeyRing } from './keyRing';
import type { AuditKey } from './keys';
import { formatLine, parseLine } from './line';
import type { ChainEnd } from './line';
import { forward } from './lines';
import type { Confirm } from './lock';
import { NO_KEY } from './sealedLine';
import { openFile, openForAppending, segmentPath, withTrail } from './segments';
import type { TrailFile } from './segments';

/** What the current part was like when this process had last written to it. */
interface Known extends Omit<TrailState, 'torn'> {
  readonly inode: number;
  readonly size: number;
}

/**
 * Adds lines to a trail, to be called under its lock. Lines come first, then the head. While nobody else has written, the
 * state is known; else it is read from the files. All methods throw the system's error, and what `confirm` throws: then what
 * they were about to write is not written, and they can be called again.
 */
export class TrailWriter {
  readonly #path: string;
  readonly #ring: KeyRing;
  readonly #maxBytes: () => number;
  #known: Known | undefined;
  /** The head as this process has last read or written it. Another one may let the trail begin later and add no line. */
  #head: Buffer | undefined;

  /** @param maxBytes a part that has become larger than this is put aside before the next line. */
  constructor(path: string, ring: KeyRing, maxBytes: () => number) {
    this.#path = path;
    this.#ring = ring;
    this.#maxBytes = maxBytes;
  }

  /**
   * Adds lines: all of them, or none if it throws or needs a key first. Then `seal` is to be called.
   * @returns whether a new part was begun.
   */
  append(entries: readonly AuditEntry[], confirm: Confirm): { readonly rotated: boolean } | NeededKey {
    const state = this.#state();
    if ('needs' in state) return state;
    const key = this.#ring.current;
    // A head under another key than the lines it is about to cover would say nothing.
    if (state.headKey === undefined || (key !== undefined && key.id !== state.headKey)) this.#writeHead(state, state.end, key, confirm);
    const rotated = this.#rotate(state.torn, confirm);
    const { text, end } = linesFor(entries, state.end, key);
    const written = this.#write(text, rotated ? undefined : state.torn, confirm);
    const headKey = key?.id ?? state.headKey ?? NO_KEY;
    this.#known = { end, first: state.first, firstPrev: state.firstPrev, headKey, ...written };
    return { rotated };
  }

  /** Brings the head up to date with the lines. If somebody else has written since, they have done that, or will. */
  seal(confirm: Confirm): void {
    if (this.#known === undefined || !this.#isKnown()) return;
    const key = this.#ring.current;
    // While a vault's key is away, the head that was made with it stays: without a key it could not be told from a forged one.
    if (key === undefined && this.#known.headKey !== NO_KEY) return;
    this.#writeHead(this.#known, this.#known.end, key, confirm);
  }

  /**
   * Lets the trail begin after this line, so that what is before can be deleted. Changes the head only.
   * @returns whether it does; if not, nothing may be deleted.
   */
  beginAfter(line: ChainEnd, confirm: Confirm): boolean {
    const state = this.#state();
    if ('needs' in state || state.headKey === undefined || state.torn !== undefined) return false;
    const key = this.#ring.current;
    if (key === undefined && state.headKey !== NO_KEY) return false;
    this.#known = undefined;
    if (line.seq >= state.first) this.#writeHead({ first: line.seq + 1, firstPrev: line.mac }, state.end, key, confirm);
    return true;
  }

  /** The trail as it is, read again if somebody else has written. */
  #state(): TrailState | NeededKey {
    if (this.#known !== undefined && this.#isKnown()) return { ...this.#known, torn: undefined };
    this.#known = undefined;
    putFormerAside(this.#path);
    const head = headBytes(this.#path);
    this.#head = head;
    return withTrail(this.#path, (files) => stateOf(files, parseHead(head), this.#ring));
  }

  /** Whether the current part and the head are as this process left them. */
  #isKnown(): boolean {
    const stat = lstatSync(this.#path, { throwIfNoEntry: false });
    if (stat?.ino !== this.#known?.inode || stat?.size !== this.#known?.size) return false;
    const head = headBytes(this.#path);
    return head !== undefined && this.#head?.equals(head) === true;
  }

  #writeHead(
    { first, firstPrev }: Pick<TrailState, 'first' | 'firstPrev'>,
    { seq, mac }: ChainEnd,
    key: AuditKey | undefined,
    confirm: Confirm,
  ): void {
    this.#head = writeHead(this.#path, { first, firstPrev, seq, last: mac }, key, confirm);
  }

  /** Puts the current part aside when it is full. One that does not begin with a line, or whose place is taken, stays. */
  #rotate(torn: TrailState['torn'], confirm: Confirm): boolean {
    const current = openFile(this.#path);
    if (current === undefined) return false;
    try {
      if (torn !== undefined || current.size <= this.#maxBytes()) return false;
      const [first] = forward(current.file, current.size);
      const seq = first && parseLine(first.bytes)?.seq;
      if (seq === undefined || existsSync(segmentPath(this.#path, seq))) return false;
      confirm();
      renameSync(this.#path, segmentPath(this.#path, seq));
      return true;
    } finally {
      closeSync(current.file);
    }
  }

  #write(text: string, torn: TrailState['torn'], confirm: Confirm): { inode: number; size: number } {
    const current = openForAppending(this.#path);
    try {
      return { inode: current.inode, size: appendWhole(current, text, torn, confirm) };
    } finally {
      closeSync(current.file);
    }
  }
}

function linesFor(entries: readonly AuditEntry[], start: ChainEnd, key: AuditKey | undefined): { text: string; end: ChainEnd } {
  let end = start;
  let text = '';
  for (const entry of entries) {
    const line = formatLine(entry, end, key);
    text += line.text;
    end = line.end;
  }
  return { text, end };
}

/** Writes at the end of a file, all or nothing. Returns its new size. */
function appendWhole({ file, size }: TrailFile, text: string, torn: TrailState['torn'], confirm: Confirm): number {
  const start = torn?.cut === true ? torn.start : size;
  const bytes = Buffer.from(torn?.cut === false ? `\n${text}` : text);
  // Not within `try`: behind `start` there may be another process's lines by now.
  confirm();
  try {
    if (start < size) ftruncateSync(file, start);
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written, bytes.length - written, start + written);
    return start + bytes.length;
  } catch (error) {
    try {
      ftruncateSync(file, start);
    } catch {
      // What is left of the lines is cut off by whoever writes next.
    }
    throw error;
  }
}
