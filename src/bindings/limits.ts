import * as z from 'zod';
import { formatDuration, parseDuration } from '../shared/duration';
import { lazily } from '../shared/lazily';

/** What a server may take: time in ms, sizes in bytes. A field that is absent has its default. */
export interface Limits {
  /** How long its start may take, handshake included. Default: as `callTimeoutMs`. */
  readonly startTimeoutMs?: number;
  /** How long it may send nothing while a call waits. Default: the user's setting. */
  readonly callTimeoutMs?: number;
  /** How long a call may take, whatever signs of life there are. */
  readonly maxCallTimeMs?: number;
  /** Calls under way at a time, of all agents. */
  readonly concurrency?: number;
  /** Calls that may wait for their turn. */
  readonly queue?: number;
  /** Calls in a span of time. Default: any number. */
  readonly rate?: Rate;
  /** The largest message to it. */
  readonly requestBytes?: number;
  /** The largest message from it, unpacked. */
  readonly replyBytes?: number;
  /** After this long without a call its child process ends, and starts again with the next one; 0: never. */
  readonly idleMs?: number;
}

/** So many calls in so many ms, at once or spread. */
export interface Rate {
  readonly calls: number;
  readonly perMs: number;
}

/** The largest body that an agent may send at all: 4 MiB, as in the SDK. */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** The largest message that any server may send: 64 MiB. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024;

/** What counts when the servers file says nothing. Without `callTimeoutMs`, which is the user's setting. */
export const DEFAULT_LIMITS = {
  maxCallTimeMs: 60 * 60 * 1000,
  concurrency: 64,
  queue: 256,
  requestBytes: MAX_REQUEST_BYTES,
  replyBytes: MAX_REPLY_BYTES,
  idleMs: 30 * 60 * 1000,
} as const;

/** The longest time that a timer of Node can measure, about 24 days. */
export const MAX_MS = 2 ** 31 - 1;
const NEVER = 'never';
const SIZES: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 * 1024 };

const count = (least: number): z.ZodNumber =>
  z
    .number()
    .refine(Number.isInteger, { error: 'This must be a whole number.' })
    .min(least, { error: `This must be at least ${String(least)}.` })
    .max(100_000, { error: 'This must be at most 100000.' });

/** The limits of a server as they are written down. */
export const limitsSchema = lazily(() => {
  const time = text(inTime, 'This must be a time from 1 second to 24 days, such as "30s", "15m" or "2h".');
  const idle = text((value) => (value === NEVER ? 0 : inTime(value)), 'This must be a time such as "15m" or "2h", or "never".');
  const rate = text(parseRate, 'This must be a number of calls in a second, minute or hour, such as "5/s", "120/m" or "1000/h".');
  return z
    .strictObject({
      startTimeout: time.optional().meta({ description: 'How long its start may take, handshake included. Default: as callTimeout.' }),
      callTimeout: time
        .optional()
        .meta({ description: 'How long it may send nothing while a call waits. Progress starts it again. Default: the setting.' }),
      maxCallTime: time.optional().meta({ description: 'How long a call may take in all, progress or not. Default: 1h.' }),
      concurrency: count(1).optional().meta({ description: 'Calls under way at a time; others wait. Default: 64.' }),
      queue: count(0).optional().meta({ description: 'Calls that may wait for their turn; others are refused. Default: 256.' }),
      rate: rate
        .optional()
        .meta({ description: 'Calls in a second, minute or hour, e.g. "120/m"; others are refused. Default: any number.' }),
      requestSize: size(MAX_REQUEST_BYTES).optional().meta({ description: 'The largest message to it. Default, and at most: 4MB.' }),
      replySize: size(MAX_REPLY_BYTES)
        .optional()
        .meta({ description: 'The largest message from it, unpacked. Default, and at most: 64MB.' }),
      idle: idle.optional().meta({
        description: 'After this long without a call its process ends, and starts again with the next. Default: 30m. "never" keeps it.',
      }),
    })
    .meta({ description: 'What this server may take.' });
});

/** Limits as they are written down, once they are valid. */
export type LimitsSource = z.infer<ReturnType<typeof limitsSchema>>;

/** What valid limits say, in ms and bytes. */
export function readLimits(source: LimitsSource): Limits {
  const { startTimeout, callTimeout, maxCallTime, concurrency, queue, requestSize, replySize } = source;
  const given: { [K in keyof Limits]?: Limits[K] | undefined } = {
    startTimeoutMs: startTimeout === undefined ? undefined : inTime(startTimeout),
    callTimeoutMs: callTimeout === undefined ? undefined : inTime(callTimeout),
    maxCallTimeMs: maxCallTime === undefined ? undefined : inTime(maxCallTime),
    concurrency,
    queue,
    rate: source.rate === undefined ? undefined : parseRate(source.rate),
    requestBytes: requestSize === undefined ? undefined : parseSize(requestSize),
    replyBytes: replySize === undefined ? undefined : parseSize(replySize),
    idleMs: source.idle === undefined ? undefined : source.idle === NEVER ? 0 : inTime(source.idle),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Limits in words, one for each that is given: `a call may take 15m in all`. */
export function describeLimits(limits: Limits): string[] {
  const words: readonly (string | undefined)[] = [
    told(limits.startTimeoutMs, (ms) => `start within ${formatDuration(ms)}`),
    told(limits.callTimeoutMs, (ms) => `silent in a call for ${formatDuration(ms)}`),
    told(limits.maxCallTimeMs, (ms) => `a call may take ${formatDuration(ms)} in all`),
    told(limits.concurrency, (calls) => `${String(calls)} calls at a time`),
    told(limits.queue, (calls) => `${String(calls)} calls waiting`),
    told(limits.rate, (r) => `${String(r.calls)} calls in ${formatDuration(r.perMs)}`),
    told(limits.requestBytes, (bytes) => `messages to it up to ${formatSize(bytes)}`),
    told(limits.replyBytes, (bytes) => `messages from it up to ${formatSize(bytes)}`),
    told(limits.idleMs, (ms) => (ms === 0 ? 'kept running without calls' : `ends after ${formatDuration(ms)} without a call`)),
  ];
  return words.filter((word) => word !== undefined);
}

/** Bytes as `parseSize` reads them, in the largest unit that they are whole in. */
function formatSize(bytes: number): string {
  const unit = ['MB', 'KB'].find((u) => bytes % (SIZES[u] ?? 1) === 0) ?? 'B';
  return `${String(bytes / (SIZES[unit] ?? 1))}${unit}`;
}

function told<T>(value: T | undefined, word: (value: T) => string): string | undefined {
  return value === undefined ? undefined : word(value);
}

function text(parse: (value: string) => unknown, error: string): z.ZodString {
  return z.string().refine((value) => parse(value) !== undefined, { error });
}

function size(most: number): z.ZodString {
  return text(
    (value) => ((parseSize(value) ?? Infinity) <= most ? true : undefined),
    `This must be a size of at most ${formatSize(most)}, such as "64KB" or "2MB".`,
  );
}

function inTime(value: string): number | undefined {
  const ms = parseDuration(value);
  return ms !== undefined && ms <= MAX_MS ? ms : undefined;
}

function parseSize(value: string): number | undefined {
  const match = /^(\d{1,9})(B|KB|MB)$/.exec(value);
  const bytes = Number(match?.[1]) * (SIZES[match?.[2] ?? ''] ?? NaN);
  return bytes > 0 ? bytes : undefined;
}

function parseRate(value: string): Rate | undefined {
  const match = /^(\d{1,6})\/([smh])$/.exec(value);
  const calls = Number(match?.[1]);
  const perMs = parseDuration(`1${match?.[2] ?? ''}`);
  return calls > 0 && perMs !== undefined ? { calls, perMs } : undefined;
}
