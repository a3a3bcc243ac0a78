import type { IncomingMessage } from 'node:http';
import { SecretsError } from '../../shared/errors';

/** The largest body that an agent may send: 4 MiB, as in the SDK. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The whole body of a request. @throws SecretsError `bodyTooLarge`, without keeping more than the limit. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): void => {
      reject(new SecretsError('bodyTooLarge', { limit: MAX_BODY_BYTES }));
    };
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
      tooLarge();
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) {
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
