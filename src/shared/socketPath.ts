import { createHash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** What fits into `sockaddr_un` on every system, with room for the end. */
const MAX_LENGTH = 100;

/**
 * Where the proxy of this process listens for a workspace folder: a socket in a folder of this user's own, or a named
 * pipe on Windows. Always the same for one process and folder, so that it can be told before it exists. Touches no disk.
 */
export function socketPath(folder: string): string {
  const name = `${createHash('sha256').update(folder).digest('hex').slice(0, 12)}-${String(process.pid)}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\mcp-secrets-${name}`;
  const own = `mcp-secrets-${String(userInfo().uid)}`;
  const bases = [process.env.XDG_RUNTIME_DIR ?? '', tmpdir(), '/tmp'].filter((base) => base !== '');
  const paths = bases.map((base) => join(base, own, `${name}.sock`));
  return paths.find((path) => Buffer.byteLength(path) <= MAX_LENGTH) ?? join('/tmp', own, `${name}.sock`);
}
