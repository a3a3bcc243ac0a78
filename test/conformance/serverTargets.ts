import { randomBytes } from 'node:crypto';
import type { Listening } from '../fixtures/sessionServer';
import { Workplace } from '../integration/support/workplace';
import { bundled } from './bundled';
import { startFront } from './front';
import { legacyHttp } from './legacy/http';
import { modernHttp } from './modern/http';
import { credentialName } from './shared/credential';
import type { Aim } from './runSuite';
import type { Leg } from './suites';

/** What the suite is pointed at. */
export interface Targets {
  aim(way: string): Aim;
  /** Ends it all. Rejects if anything is left, or if the secret is found in a file or log. */
  close(): Promise<void>;
}

const makeServer = { '2025-11-25': legacyHttp, '2026-07-28': modernHttp };

/** What the suite's server scenarios are pointed at: our server of one era, a proxy in front of it that gives it its secret, a front before that. */
export class ServerTargets implements Targets {
  readonly #protocol: Leg['protocol'];
  readonly #place = new Workplace();
  readonly #listening: Listening[] = [];
  readonly #urls = new Map<string, URL>();

  private constructor(protocol: Leg['protocol']) {
    this.#protocol = protocol;
  }

  /** Starts them all. */
  static async start(protocol: Leg['protocol']): Promise<ServerTargets> {
    const targets = new ServerTargets(protocol);
    try {
      await targets.#start();
      return targets;
    } catch (error) {
      await targets.close().catch(() => undefined);
      throw error;
    }
  }

  aim(way: string): Aim {
    const url = this.#urls.get(way);
    if (url === undefined) throw new Error('not started');
    return { command: ['server', '--url', url.href], env: {} };
  }

  async close(): Promise<void> {
    for (const server of this.#listening) server.close();
    await this.#place.close();
  }

  async #start(): Promise<void> {
    const place = this.#place;
    const secret = randomBytes(24).toString('hex');
    const start = makeServer[this.#protocol];
    const direct = this.#keep(await start());
    const behind = this.#keep(await start(secret));
    await place.secret(credentialName, secret);
    await place.addHttp('http', behind.url.href, `${credentialName}=bearer`);
    await place.addStdio(
      'stdio',
      [process.execPath, await bundled(this.#protocol === '2025-11-25' ? 'legacy/stdio.ts' : 'modern/stdio.ts')],
      credentialName,
    );
    const serving = await place.serve();
    const front = this.#keep(await startFront(new URL(serving.url), serving.token));
    this.#urls.set('direct', direct.url);
    for (const way of ['http', 'stdio'] as const) this.#urls.set(way, new URL(`/mcp/${way}`, front.url));
  }

  #keep(server: Listening): Listening {
    this.#listening.push(server);
    return server;
  }
}
