import { build } from 'esbuild';
import { join } from 'node:path';

/** Bundles the stdio server into one file in this folder, and returns its path. */
export async function buildStdioServer(folder: string): Promise<string> {
  const outfile = join(folder, 'linear-mcp.mjs');
  await build({
    entryPoints: [join(__dirname, 'stdioServer.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'warning',
  });
  return outfile;
}
