import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Children } from './children';
import type { Block, BlockResult, LoadRequest, LoadResponse } from './loadProtocol';
import type { Endpoint } from './session';

/**
 * The load generator, in a process of its own: neither the bench nor an upstream shares its event loop.
 * One request at a time; each rejects with the generator's reason.
 */
export class Load {
  readonly #worker: ChildProcess;

  /** Starts the generator from its built program. */
  constructor(children: Children, program: string) {
    this.#worker = fork(program, { execArgv: [], detached: process.platform !== 'win32' });
    children.adopt(this.#worker);
  }

  /** Opens a session, which the other methods name. */
  async open(session: string, endpoint: Endpoint): Promise<void> {
    await this.#ask({ kind: 'open', session, endpoint });
  }

  /** Calls a tool and gives its first text. */
  async call(session: string, tool: string, args: object): Promise<string> {
    const value = await this.#ask({ kind: 'call', session, tool, args });
    return typeof value === 'string' ? value : '';
  }

  /** Runs a block of echo calls. Rejects if even one of them did not get the right answer. */
  async run(session: string, block: Block): Promise<BlockResult> {
    const result = await this.#ask({ kind: 'run', session, block });
    if (typeof result !== 'object') {
      throw new Error('the load generator gave no result');
    }
    if (result.errors > 0) {
      const share = `${String(result.errors)} of ${String(block.warmup + block.calls)}`;
      throw new Error(`${share} calls through ${session} failed, the first with: ${result.firstError ?? ''}`);
    }
    return result;
  }

  /** Ends a session. */
  async close(session: string): Promise<void> {
    await this.#ask({ kind: 'close', session });
  }

  #ask(request: LoadRequest): Promise<string | BlockResult | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#worker.off('message', onMessage).off('exit', onExit);
        act();
      };
      const onMessage = (response: LoadResponse): void => {
        settle(() => {
          if (response.ok) {
            resolve(response.value);
          } else {
            reject(new Error(`${request.session}: ${response.error}`));
          }
        });
      };
      const onExit = (): void => {
        settle(() => {
          reject(new Error('the load generator ended'));
        });
      };
      this.#worker.on('message', onMessage).on('exit', onExit);
      this.#worker.send(request);
    });
  }
}
