import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createUnzip } from 'node:zlib';
import { SecretsError } from '../../shared/errors';
import { failure } from './request';

/** The largest message that an upstream may send, unpacked: 64 MiB. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** The body of an answer, unpacked. We ask for none, but some servers pack anyway. */
export function bodyOf(response: IncomingMessage, server: string): Readable {
  const encoding = response.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') return response;
  const unpack = encoding === 'br' ? createBrotliDecompress() : encoding === 'gzip' || encoding === 'deflate' ? createUnzip() : undefined;
  if (unpack === undefined) throw new SecretsError('upstreamNonsense', { server, what: 'an unknown content encoding' });
  response.on('error', (error) => unpack.destroy(error));
  return response.pipe(unpack);
}

/**
 * A whole body. @throws SecretsError `upstreamTooLarge`, `upstreamTimeout`, `upstreamClosed`; `upstreamNonsense` if it does not unpack.
 */
export function readWhole(body: Readable, server: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    body.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_MESSAGE_BYTES) body.destroy(new SecretsError('upstreamTooLarge', { server, limit: MAX_MESSAGE_BYTES }));
    });
    body.on('end', () => {
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
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
