import { join } from 'node:path';
import { build } from 'esbuild';
import { repoRoot } from '../host/paths';

/** A program of ours as one file: what is started for every session or scenario should not wait for a TypeScript loader. @returns its path. */
export async function bundled(source: string): Promise<string> {
  const outfile = join(repoRoot, 'out', 'conformance', `${source.replaceAll('/', '-').replace(/\.ts$/, '')}.cjs`);
  await build({
    entryPoints: [join(import.meta.dirname, source)],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    outfile,
    logLevel: 'warning',
  });
  return outfile;
}
