import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js';
import { TestClient } from './client';
import { eventually } from './eventually';
import { freePort } from './freePort';
import { serverScript } from './programs';
import type { Serving } from './serving';
import { Workplace } from './workplace';

/** The ways in which the everything server can be reached behind the proxy. */
export type Transport = 'stdio' | 'http';

/** `@modelcontextprotocol/server-everything` behind the proxy, and without it. */
export class Everything {
  readonly place = new Workplace();
  readonly #transport: Transport;
  readonly #clients: TestClient[] = [];
  #serving: Serving | undefined;
  #http: { process: ChildProcess; url: URL } | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get serving(): Serving {
    if (this.#serving === undefined) throw new Error('not started');
    return this.#serving;
  }

  async start(): Promise<void> {
    const script = serverScript('everything');
    if (this.#transport === 'stdio') await this.place.addStdio('everything', [process.execPath, script, 'stdio']);
    else {
      this.#http = await startHttp(script, this.place.env);
      await this.place.addHttp('everything', this.#http.url.href);
    }
    this.#serving = await this.place.serve();
  }

  /** A client through the proxy. */
  async proxied(capabilities?: ClientCapabilities): Promise<TestClient> {
    return this.#keep(await TestClient.proxied(this.serving, 'everything', capabilities));
  }

  /** A client without the proxy. */
  async direct(): Promise<TestClient> {
    const script = serverScript('everything');
    const client =
      this.#http === undefined
        ? await TestClient.stdio(process.execPath, [script, 'stdio'], this.place.workspace)
        : await TestClient.http(this.#http.url);
    return this.#keep(client);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#http?.process.kill('SIGKILL');
    await this.place.close();
  }

  #keep(client: TestClient): TestClient {
    this.#clients.push(client);
    return client;
  }
}

async function startHttp(script: string, env: Record<string, string>): Promise<{ process: ChildProcess; url: URL }> {
  for (let tries = 1; ; tries += 1) {
    const started = await startAt(await freePort(), script, env);
    if (started !== undefined) return started;
    if (tries === 3) throw new Error('the everything server ends');
  }
}

/** `undefined`: it has ended, because another program has taken the port meanwhile. */
async function startAt(
  port: number,
  script: string,
  env: Record<string, string>,
): Promise<{ process: ChildProcess; url: URL } | undefined> {
  // Its environment does not name the workplace: it is no child of the proxy.
  const child = spawn(process.execPath, [script, 'streamableHttp'], {
    env: { PATH: env.PATH, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const listens = await eventually('the everything server listens, or ends', () =>
    said.includes('listening') ? true : child.exitCode === null ? undefined : false,
  );
  return listens ? { process: child, url: new URL(`http://127.0.0.1:${String(port)}/mcp`) } : undefined;
}
