import type { IncomingMessage } from 'node:http';
import { MAX_REQUEST_BYTES } from '../../bindings/limits';
import { SecretsError } from '../../shared/errors';

/** The whole body of a request. @throws SecretsError `bodyTooLarge`, without keeping more than the limit. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): void => {
      reject(new SecretsError('bodyTooLarge', { limit: MAX_REQUEST_BYTES }));
    };
    if (Number(request.headers['content-length'] ?? 0) > MAX_REQUEST_BYTES) {
      tooLarge();
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_REQUEST_BYTES) {
        chunks.length = 0;
        tooLarge();
      } else chunks.push(chunk);
    });
    request.on('end', () => {
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    request.on('error', reject);
  });
}
