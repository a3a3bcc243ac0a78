import { closeSync, constants, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { removeTemporaries } from '../shared/atomicFile';
import { lazily } from '../shared/lazily';
import type { AuditKey } from './keys';
import type { Confirm } from './lock';
import { isSealed, NO_KEY, openLine, sealLine } from './sealedLine';
import type { SealedLine } from './sealedLine';
import { openFile } from './segments';

/** A head follows no line. No mac is spelled like this, so that a head can never pass for a line. */
const BEFORE = 'head';
/** More than a head can have. */
const MAX_BYTES = 4096;
const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);

const schema = lazily(() => {
  const macText = z.string().regex(/^([A-Za-z0-9_-]{43})?$/);
  const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
  return z.object({
    format: z.literal(1),
    /** The oldest entry that is kept. */
    first: count.min(1),
    /** The mac of the entry before that one; empty if there was none. */
    firstPrev: macText,
    /** The newest entry, 0 if there is none yet. */
    seq: count,
    /** Its mac. */
    last: macText,
    /** The id of the key that the head is authenticated with, or `none`. */
    key: z.string(),
  });
});

/**
 * Says from where to where a trail goes, so that an end that was cut off is missed. It is written after the lines: a crash
 * can leave it behind them, never ahead.
 */
export type Head = Readonly<z.infer<ReturnType<typeof schema>>>;

/** What `audit.head` holds: nothing, a head that is still to be checked, or something that is none (`damaged`). */
export type FoundHead =
  { readonly state: 'absent' | 'damaged' } | { readonly state: 'found'; readonly head: Head; readonly line: SealedLine };

/** The head belongs beside the current part of the trail. */
export function headPath(path: string): string {
  return path.replace(/(\.jsonl)?$/, '.head');
}

/** Reads the head of a trail. @throws the system's error. */
export function readHead(path: string): FoundHead {
  return parseHead(headBytes(path));
}

/** The head as it stands in its file; `undefined` if there is none, empty if it is too long to be one. @throws the system's error. */
export function headBytes(path: string): Buffer | undefined {
  const file = openFile(headPath(path));
  if (file === undefined) return undefined;
  try {
    return file.size > MAX_BYTES ? NOTHING : readFileSync(file.file);
  } finally {
    closeSync(file.file);
  }
}

/** What `headBytes` has found. */
export function parseHead(bytes: Buffer | undefined): FoundHead {
  if (bytes === undefined) return { state: 'absent' };
  const line = bytes.at(-1) === NEWLINE ? openLine(bytes.subarray(0, -1)) : undefined;
  const parsed = schema().safeParse(line?.value);
  return line === undefined || !parsed.success ? { state: 'damaged' } : { state: 'found', head: parsed.data, line };
}

/** Whether a head is as it was written. @param key the one that it names; `undefined` for NO_KEY. */
export function isGenuine(line: SealedLine, key: AuditKey | undefined): boolean {
  return isSealed(line, BEFORE, key);
}

/**
 * Replaces the head in one step. Not synced to the disk: after a power cut it may be missing or older, which is reported, and
 * syncing forty times a second would cost every call. What writers that died have left beside it goes: for who holds the lock.
 * @returns what is in the file now. @throws the system's error, and what `confirm` throws; then the old head is untouched.
 */
export function writeHead(path: string, head: Omit<Head, 'format' | 'key'>, key: AuditKey | undefined, confirm: Confirm): Buffer {
  const { first, firstPrev, seq, last } = head;
  const { text } = sealLine({ format: 1, first, firstPrev, seq, last, key: key?.id ?? NO_KEY } satisfies Head, BEFORE, key);
  const bytes = Buffer.from(`${text}\n`);
  // The temporary files of who holds the lock are not ours to remove.
  confirm();
  removeTemporaries(headPath(path));
  const temporary = `${headPath(path)}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeSync(file, bytes);
    } finally {
      closeSync(file);
    }
    confirm();
    renameSync(temporary, headPath(path));
    return bytes;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
