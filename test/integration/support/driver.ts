import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { Operation } from './vaultModel';
import type { Stores } from './windowVaults';

/** What a driver has said. */
export interface Driven {
  /** Of each operation that was done: the version that it made, if it made one. */
  readonly done: readonly (number | undefined)[];
  /** `undefined` if a signal ended it. */
  readonly code: number | undefined;
  readonly stderr: string;
}

/** Makes `vaultDriver.ts` one file, bundled as the command line is: it starts much faster than TypeScript does. @returns its path. */
export function buildDriver(folder: string): string {
  const bundle = (entry: string, outfile: string): string => {
    buildSync({
      entryPoints: [join(import.meta.dirname, entry)],
      bundle: true,
      platform: 'node',
      target: 'node20',
      mainFields: ['module', 'main'],
      minify: true,
      external: ['./toolClient', './age'],
      supported: { 'dynamic-import': false },
      outfile,
      logLevel: 'error',
    });
    return outfile;
  };
  bundle('../../../src/vault/backup/age.ts', join(folder, 'age.js'));
  return bundle('vaultDriver.ts', join(folder, 'vaultDriver.js'));
}

/** A process that does operations: see vaultDriver.ts. */
export class Driver {
  readonly #child: ChildProcess;
  readonly #lines: { readonly text: string; readonly at: number }[] = [];
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  readonly #ended: Promise<number | null>;
  #stderr = '';

  /** @param folder for the operations; it is the current folder, and with that the workspace. @param env its whole environment. */
  constructor(script: string, operations: readonly Operation[], folder: string, env: Record<string, string>, stores: Stores = 'files') {
    const file = join(folder, `operations-${String(Math.random()).slice(2)}.json`);
    writeFileSync(
      file,
      JSON.stringify(operations, (key, value: unknown) => (key === 'secrets' ? undefined : value)),
    );
    const child = spawn(process.execPath, [script, file, stores], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#lines.push(...lines.map((line) => ({ text: line, at: performance.now() })));
      for (const { count, resolve } of this.#waiting) if (this.#lines.length >= count) resolve();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#ended = new Promise((resolve) => child.once('close', resolve));
  }

  /** Waits until so many operations are done (0: until it has started), or it has ended. */
  async reached(operations: number): Promise<void> {
    const count = operations + 1;
    if (this.#lines.length >= count) return;
    await Promise.race([this.#ended, new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))]);
  }

  /** How long an operation took, in ms, as far as it can be seen from here; `undefined` if it was not finished. */
  duration(index: number): number | undefined {
    const [from, to] = [this.#lines[index], this.#lines[index + 1]];
    return from && to && to.at - from.at;
  }

  /** Ends it as nothing can be prepared for. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Waits for its end. */
  async end(): Promise<Driven> {
    const code = await this.#ended;
    const done = this.#lines.slice(1).map(({ text }) => (text === '' ? undefined : Number(text)));
    return { done, code: code ?? undefined, stderr: this.#stderr };
  }
}
