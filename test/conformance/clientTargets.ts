import { randomBytes } from 'node:crypto';
import { cliPath } from '../integration/support/programs';
import { Workplace } from '../integration/support/workplace';
import { bundled } from './bundled';
import { proxyVariable } from './client/access';
import type { ProxyAccess } from './client/access';
import type { Aim } from './runSuite';
import type { Targets } from './serverTargets';
import { credentialName } from './shared/credential';
import type { Leg } from './suites';

/** What the suite's client scenarios are pointed at: an agent that goes to the suite's server directly, or through a proxy that gives a secret to it. */
export class ClientTargets implements Targets {
  readonly #place = new Workplace();
  readonly #agent: string;
  readonly #protocol: Leg['protocol'];
  #proxy: ProxyAccess | undefined;

  private constructor(protocol: Leg['protocol'], agent: string) {
    this.#protocol = protocol;
    this.#agent = agent;
  }

  /** Starts the proxy. */
  static async start(protocol: Leg['protocol']): Promise<ClientTargets> {
    const targets = new ClientTargets(protocol, await bundled('client/agent.ts'));
    try {
      const place = targets.#place;
      await place.secret(credentialName, randomBytes(24).toString('hex'));
      const { url, token } = await place.serve();
      targets.#proxy = { cli: cliPath, cwd: place.workspace, env: place.env, url, token };
      return targets;
    } catch (error) {
      await targets.close().catch(() => undefined);
      throw error;
    }
  }

  aim(way: string): Aim {
    const bridged = way !== 'direct' && way !== 'proxy';
    const era = this.#protocol === '2025-11-25' || bridged ? 'legacy' : 'modern';
    const proxy = { ...this.#proxy, ...(bridged ? { protocol: this.#protocol } : {}) };
    const command = ['client', '--command', `"${process.execPath}" "${this.#agent}" ${era}`];
    return { command, env: way === 'direct' ? {} : { [proxyVariable]: JSON.stringify(proxy) } };
  }

  close(): Promise<void> {
    return this.#place.close();
  }
}
