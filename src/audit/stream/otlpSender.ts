import { readFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { version } from '../../../package.json';
import type { Clock } from '../../shared/clock';
import { isSecretsError } from '../../shared/errors';
import { visible } from '../../shared/visible';
import { DeliveryError } from './delivery';
import type { Receipt, Sender } from './delivery';
import { readHeaders } from './headersFile';
import { formatOtlp } from './otlpJson';
import type { OtlpTarget } from './target';

/** An answer is a few counts and a sentence. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** A receiver can ask for patience, but not for ever. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;
/**
 * "These data are not wanted." Every other failure can pass: the four that OTLP names (429, 502, 503, 504), and those
 * that an operator puts right, such as a token that ran out (401). Entries of the trail wait for that.
 */
const UNWANTED: readonly number[] = [400, 413, 415, 422];

/** Sends records as OTLP logs: a POST of JSON, acknowledged by its status. Redirects are failures. */
export function otlpSender(target: OtlpTarget, clock: Clock): Sender {
  return {
    send: async (records, signal) => {
      const answer = await post(target, formatOtlp(records, clock.now()), signal);
      const { status } = answer;
      if (status >= 200 && status < 300) return receiptOf(answer.body);
      throw new DeliveryError(`HTTP ${String(status)}`, {
        unwanted: UNWANTED.includes(status),
        retryAfterMs: retryAfter(answer.retryAfter, clock.now()),
      });
    },
  };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

async function post({ url, headersFile, ca }: OtlpTarget, body: string, signal: AbortSignal): Promise<Answer> {
  try {
    const headers = {
      // Read anew each time: a token that was replaced counts at once.
      ...(headersFile === undefined ? {} : readHeaders(headersFile)),
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': `mcp-secrets/${version}`,
    };
    const trust = ca === undefined ? {} : { ca: readFileSync(ca) };
    const options = { method: 'POST', headers, signal, agent: false, ...trust } as const;
    return await new Promise<Answer>((resolve, reject) => {
      const request = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options);
      request.on('error', reject);
      request.on('response', (response) => {
        readAnswer(response).then(resolve, reject);
      });
      request.end(body);
    });
  } catch (error) {
    if (signal.aborted) throw new DeliveryError('no answer in time');
    // Our own errors say what is wrong with the file, and nothing of what is in it.
    throw isSecretsError(error) ? new DeliveryError(error.message) : DeliveryError.of(error);
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) break;
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body: Buffer.concat(chunks).toString() };
}

/** A partial success (ExportLogsPartialSuccess): the receiver dropped some, and does not want them again. */
function receiptOf(body: string): Receipt | undefined {
  try {
    const { partialSuccess } = JSON.parse(body) as { partialSuccess?: { rejectedLogRecords?: string | number; errorMessage?: string } };
    const rejected = Number(partialSuccess?.rejectedLogRecords ?? 0);
    if (!(rejected > 0)) return undefined;
    return { rejected, reason: visible((partialSuccess?.errorMessage ?? '').slice(0, 200)) };
  } catch {
    // An answer without a body, or in another encoding: what counts is the status.
    return undefined;
  }
}

/** Seconds or a date (RFC 9110, 10.2.3), as ms from now. */
function retryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
