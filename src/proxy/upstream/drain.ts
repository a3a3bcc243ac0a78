import type { Readable } from 'node:stream';

/** What may come of a body that nobody wants, so that its connection can be used again: bytes, and ms. */
const MAX_BYTES = 65_536;
const MAX_MS = 2_000;

/** Lets a body pass that nobody wants; if that takes too long, its connection ends. */
export function drain(body: Readable): void {
  let bytes = 0;
  const timer = setTimeout(() => body.destroy(), MAX_MS).unref();
  body.on('error', () => undefined);
  body.on('close', () => {
    clearTimeout(timer);
  });
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) body.destroy();
  });
}
