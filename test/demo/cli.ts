import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = join(import.meta.dirname, '../../dist/cli.js');

/** What `serve` prints. */
export interface Serving {
  readonly url: string;
  readonly token: string;
  /** Ends it and waits. */
  stop(): Promise<void>;
}

/** The built command line in a workspace and a state folder of its own. */
export class Cli {
  readonly #workspace: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(workspace: string, home: string) {
    this.#workspace = workspace;
    this.#env = { PATH: process.env.PATH, HOME: home, MCP_SECRETS_HOME: join(home, '.mcp-secrets') };
  }

  /** Runs one command; rejects with what it wrote to standard error if it fails. */
  async run(args: readonly string[], input = ''): Promise<string> {
    const child = this.#start(args);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  /** Starts `serve` and waits until it listens. */
  async serve(): Promise<Serving> {
    const child = this.#start(['serve']);
    child.stderr.resume();
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const { url, token } = JSON.parse(line) as { url: string; token: string };
    const stop = async (): Promise<void> => {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    };
    return { url, token, stop };
  }

  #start([first = '', second = '', ...rest]: readonly string[]): ReturnType<typeof spawnPiped> {
    const words = first === 'serve' ? [first] : [first, second];
    return spawnPiped([PROGRAM, ...words, '--workspace', this.#workspace, ...rest], this.#env);
  }
}

function spawnPiped(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, args, { env, stdio: 'pipe' });
}
