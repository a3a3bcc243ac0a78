import { build } from 'esbuild';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

/** The root of this project. */
export const projectRoot = resolve(import.meta.dirname, '../..');

/** Where what only the bench needs is kept between runs; git ignores it. */
export const benchFolder = join(projectRoot, '.bench');

/** The bench's own processes, as plain JavaScript: a TypeScript loader in them would be measured too. */
export interface Programs {
  readonly echoServer: string;
  readonly floor: string;
  readonly loadWorker: string;
  readonly mcpProxyHttp: string;
}

/** Builds the bench's own processes into `.bench/build`. */
export async function buildPrograms(): Promise<Programs> {
  const sources = {
    echoServer: 'test/fixtures/echoServer.ts',
    floor: 'test/bench/floor.ts',
    loadWorker: 'test/bench/loadWorker.ts',
    mcpProxyHttp: 'test/bench/mcpProxyHttp.ts',
  };
  const outdir = join(benchFolder, 'build');
  mkdirSync(outdir, { recursive: true });
  await build({
    absWorkingDir: projectRoot,
    entryPoints: Object.values(sources),
    outdir,
    outExtension: { '.js': '.mjs' },
    entryNames: '[name]',
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
  });
  const built = (source: string): string => join(outdir, `${basename(source, '.ts')}.mjs`);
  return {
    echoServer: built(sources.echoServer),
    floor: built(sources.floor),
    loadWorker: built(sources.loadWorker),
    mcpProxyHttp: built(sources.mcpProxyHttp),
  };
}

/** Temporary folders of one run. */
export class TemporaryFolders {
  readonly #made: string[] = [];

  /** A new empty folder that nobody else can read. */
  make(): string {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-secrets-bench-'));
    this.#made.push(folder);
    return folder;
  }

  /** Removes every folder made so far, with what is in it. */
  remove(): void {
    for (const folder of this.#made.splice(0)) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
