import { pipeline, Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createUnzip } from 'node:zlib';
import { SecretsError } from '../../shared/errors';
import { Chunks } from '../../shared/chunks';
import { inTurns } from '../../shared/steps';
import { joinedInSteps } from '../../shared/utf8';
import { MAX_REPLY_BYTES } from '../../bindings/limits';
import type { Server } from '../../bindings/server';
import { LARGE } from '../largeMessage';
import type { UpstreamResponse } from './exchange';
import { failure } from './request';

/** What unpacks to this many bytes may do so however little was sent. */
const FREE_BYTES = 4 * 1024 * 1024;
/** What is larger may be so many times as large as what was sent. Text of any use is packed to a tenth, not to a thousandth. */
const MAX_RATIO = 200;

/** The largest message that a server may send, unpacked. */
export function replyLimit({ limits }: Server): number {
  return limits?.replyBytes ?? MAX_REPLY_BYTES;
}

/** The body of an answer, unpacked. We ask for none, but some servers pack anyway. */
export function bodyOf(response: UpstreamResponse, server: string): Readable {
  const encoding = encodingOf(response);
  if (encoding === 'identity') return response.stream();
  const unpack = encoding === 'br' ? createBrotliDecompress() : encoding === 'gzip' || encoding === 'deflate' ? createUnzip() : undefined;
  if (unpack === undefined) {
    response.stream().destroy();
    throw new SecretsError('upstreamNonsense', { server, what: 'an unknown content encoding' });
  }
  // Unlike `pipe`, it ends the connection, too, when nobody wants the rest. Failures are those of what it returns.
  return pipeline(response.stream(), unpack, inProportion(unpack, server), () => undefined);
}

function encodingOf({ headers }: UpstreamResponse): string {
  return headers['content-encoding']?.toLowerCase() ?? 'identity';
}

/** Breaks off what grows out of proportion while it is unpacked. */
function inProportion(unpack: { readonly bytesWritten: number }, server: string): Transform {
  let size = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      size += chunk.length;
      if (size <= FREE_BYTES || size <= unpack.bytesWritten * MAX_RATIO) done(null, chunk);
      else done(new SecretsError('upstreamNonsense', { server, what: 'a body that unpacks to far more than was sent' }));
    },
  });
}

/**
 * The whole body of an answer, unpacked, if it has at most so many bytes; no promise if it is there already.
 * @throws SecretsError as `bodyOf` and `readWhole`.
 */
export function wholeBody(response: UpstreamResponse, server: string, limit: number): Buffer | Promise<Buffer> {
  const arrived = encodingOf(response) === 'identity' ? response.arrived : undefined;
  if (arrived !== undefined && arrived.length <= limit) return arrived;
  return readWhole(bodyOf(response, server), server, limit);
}

/**
 * A whole body of at most so many bytes. @throws SecretsError `upstreamTooLarge`, `upstreamTimeout`, `upstreamClosed`; `upstreamNonsense` if it does not unpack.
 */
function readWhole(body: Readable, server: string, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks = new Chunks();
    body.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (chunks.size > limit) body.destroy(new SecretsError('upstreamTooLarge', { server, limit }));
    });
    body.on('end', () => {
      resolve(chunks.size > LARGE ? inTurns(joinedInSteps(chunks.take())) : chunks.joined());
    });
    const broken = (error?: unknown): void => {
      reject(failure(error, { server }, undefined));
    };
    body.on('error', broken);
    body.on('close', () => {
      // A body that breaks off closes without an end.
      if (!body.readableEnded) broken();
    });
  });
}
