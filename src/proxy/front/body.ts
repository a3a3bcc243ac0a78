import type { IncomingMessage } from 'node:http';
import { MAX_REQUEST_BYTES } from '../../bindings/limits';
import { SecretsError } from '../../shared/errors';
import { Chunks } from '../../shared/chunks';

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
    const chunks = new Chunks();
    let isTooLarge = false;
    request.on('data', (chunk: Buffer) => {
      if (isTooLarge) return;
      chunks.push(chunk);
      if (chunks.size <= MAX_REQUEST_BYTES) return;
      chunks.take();
      isTooLarge = true;
      tooLarge();
    });
    request.on('end', () => {
      resolve(chunks.joined());
    });
    request.on('error', reject);
  });
}
