import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { featuresOverHttp, featuresOverSse } from '../../fixtures/features/http';
import type { Listening } from '../../fixtures/sessionServer';
import { connect } from './featureClient';
import type { Answers, FeatureClient } from './featureClient';
import type { Serving } from './serving';
import { Workplace } from './workplace';

export const generations = ['v1', 'v2'] as const;
export type Generation = (typeof generations)[number];

/** Over what the server of each generation is there: the second one has none of the old transport, HTTP+SSE. */
export const transports = { v1: ['http', 'stdio', 'sse'], v2: ['http', 'stdio'] } as const;

/** The servers of the feature tests, of both generations and over all their transports, behind one proxy. Each is given a secret. */
export class FeaturePlace {
  readonly place = new Workplace();
  readonly #http: Listening[] = [];
  readonly #clients: FeatureClient[] = [];
  #serving: Serving | undefined;

  async start(): Promise<void> {
    await this.place.secret('FEATURES_KEY', 'the-key-of-the-feature-tests');
    const sse = await featuresOverSse();
    this.#http.push(sse);
    await this.place.servers({ 'v1-sse': { type: 'sse', url: sse.url.href, secrets: { FEATURES_KEY: 'bearer' } } }, 'v1-sse');
    for (const generation of generations) {
      const http = await featuresOverHttp[generation]();
      this.#http.push(http);
      await this.place.addHttp(`${generation}-http`, http.url.href, 'FEATURES_KEY=bearer');
      await this.place.addStdio(`${generation}-stdio`, [process.execPath, this.#built(generation)], 'FEATURES_KEY');
    }
    this.#serving = await this.place.serve();
  }

  /** A client in front of the proxy. */
  async client(generation: Generation | 'modern', server: string, answers: Answers = {}): Promise<FeatureClient> {
    if (this.#serving === undefined) throw new Error('not started');
    const client = await connect[generation](this.#serving.at(server), { authorization: `Bearer ${this.#serving.token}` }, answers);
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.place.close();
    for (const http of this.#http) http.close();
  }

  /** A stdio server as one file, which starts much faster than TypeScript does. */
  #built(generation: Generation): string {
    const folder = join(this.place.root, 'servers');
    mkdirSync(folder, { recursive: true });
    const outfile = join(folder, `${generation}.cjs`);
    const entry = join(import.meta.dirname, '..', '..', 'fixtures', 'features', generation === 'v1' ? 'stdioV1.ts' : 'stdioV2.ts');
    buildSync({ entryPoints: [entry], bundle: true, platform: 'node', format: 'cjs', target: 'node20', outfile, logLevel: 'warning' });
    return outfile;
  }
}
