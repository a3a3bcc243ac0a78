import { createHash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A unix socket's path may have 107 bytes on Linux, 103 on macOS. */
const MAX_BYTES = 100;

/**
 * Where the proxy of this process listens for VS Code: a unix socket, or a named pipe on Windows. Decided without
 * looking at the disk: the same folder and process give the same path, others give others.
 */
export function socketPathFor(folder: string): string {
  const name = `${createHash('sha256').update(folder).digest('hex').slice(0, 8)}-${String(process.pid)}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\mcp-secrets-${name}`;
  const own = `mcp-secrets-${String(userInfo().uid)}`;
  const candidates = [process.env.XDG_RUNTIME_DIR, tmpdir(), '/tmp'];
  const paths = candidates.flatMap((base) => (base === undefined || base === '' ? [] : [join(base, own, `${name}.sock`)]));
  return paths.find((path) => Buffer.byteLength(path) <= MAX_BYTES) ?? join('/tmp', own, `${name}.sock`);
}
