import { readSync } from 'node:fs';

const BLOCK = 64 * 1024;
/** Longer lines are not ours. Of such a line only a part is given, so that it cannot fill the memory. */
const MAX_LINE = 1024 * 1024;
const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);

/** One line of a file. */
export interface RawLine {
  /** Without its line break. */
  readonly bytes: Buffer;
  /** Where it begins in the file. */
  readonly start: number;
  /** Whether it has its line break. Only the last line of a file can be without. */
  readonly whole: boolean;
}

/** The lines in the first `size` bytes of an open file, first to last. Reads as it goes. */
export function* forward(file: number, size: number): Generator<RawLine> {
  let rest: Buffer = NOTHING;
  let restStart = 0;
  for (let at = 0; at < size;) {
    const block = readBlock(file, at, Math.min(BLOCK, size - at));
    if (block.length === 0) break;
    let from = 0;
    for (let end = block.indexOf(NEWLINE); end >= 0; end = block.indexOf(NEWLINE, from)) {
      yield { bytes: join(rest, block.subarray(from, end)), start: restStart, whole: true };
      rest = NOTHING;
      from = end + 1;
      restStart = at + from;
    }
    rest = join(rest, block.subarray(from)).subarray(0, MAX_LINE);
    at += block.length;
  }
  if (rest.length > 0) yield { bytes: rest, start: restStart, whole: false };
}

/** The same lines, last to first. */
export function* backward(file: number, size: number): Generator<RawLine> {
  let rest: Buffer = NOTHING;
  let whole = false;
  for (let at = size; at > 0;) {
    const length = Math.min(BLOCK, at);
    const block = readBlock(file, at - length, length);
    if (block.length < length) return;
    at -= length;
    let end = block.length;
    for (let newline = block.lastIndexOf(NEWLINE); newline >= 0; newline = end > 0 ? block.lastIndexOf(NEWLINE, end - 1) : -1) {
      const bytes = join(block.subarray(newline + 1, end), rest);
      if (whole || bytes.length > 0) yield { bytes, start: at + newline + 1, whole };
      rest = NOTHING;
      whole = true;
      end = newline;
    }
    rest = join(block.subarray(0, end), rest).subarray(-MAX_LINE);
  }
  if (whole || rest.length > 0) yield { bytes: rest, start: 0, whole };
}

function readBlock(file: number, at: number, length: number): Buffer {
  const block = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const n = readSync(file, block, read, length - read, at + read);
    if (n === 0) break;
    read += n;
  }
  return block.subarray(0, read);
}

function join(a: Buffer, b: Buffer): Buffer {
  return a.length === 0 ? b : b.length === 0 ? a : Buffer.concat([a, b]);
}
