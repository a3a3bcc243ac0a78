import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Approvals } from '../../../src/bindings/approvals';
import { Pins } from '../../../src/bindings/pins';
import { SERVERS_FILE } from '../../../src/bindings/serversFile';
import { ServersSource } from '../../../src/bindings/source';
import { Agents } from '../../../src/proxy/front/agents';
import { createProxy } from '../../../src/proxy/proxy';
import type { Proxy, ProxyOptions } from '../../../src/proxy/proxy';
import type { Vault } from '../../../src/vault/vault';
import { MemoryBlobStore, RecordingLogger } from '../../unit/support/memory';
import type { FixedClock, RecordingAudit } from '../../unit/support/memory';
import { bench } from '../../unit/support/vaults';
import type { Reachable } from './agent';
import { killLeft, leftOf } from './processes';

/**
 * The proxy in the test's own process, for what no command line can do to it: a panic, a clock that moves. The vault and the
 * proxy are the real ones, on stores in memory; servers are real processes and sockets.
 */
export class LocalProxy implements Reachable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcps-proxy-')));
  readonly vault: Vault;
  readonly clock: FixedClock;
  readonly audit: RecordingAudit;
  readonly logger = new RecordingLogger();
  /** Where the lasting tokens are kept. */
  readonly tokens = new MemoryBlobStore();
  readonly agents: Agents;
  readonly proxy: Proxy;
  readonly #approvals: Approvals;
  readonly pins: Pins;
  readonly #servers = new ServersSource(this.folder);
  port = 0;
  socket = join(this.folder, 'proxy', 'proxy.sock');
  token = '';

  private constructor({ vault, clock, audit }: { vault: Vault; clock: FixedClock; audit: RecordingAudit }, options: Partial<ProxyOptions>) {
    this.vault = vault;
    this.clock = clock;
    this.audit = audit;
    this.agents = new Agents({ store: this.tokens, uses: new MemoryBlobStore(), audit, clock });
    this.#approvals = new Approvals(new MemoryBlobStore(), audit);
    this.pins = new Pins({ store: new MemoryBlobStore(), audit, clock, path: 'memory' });
    this.proxy = createProxy({
      vault,
      clock,
      audit,
      agents: this.agents,
      approvals: this.#approvals,
      pins: this.pins,
      servers: this.#servers,
      logger: this.logger,
      approver: { ask: () => Promise.resolve(false) },
      socketPath: this.socket,
      ports: [],
      callTimeoutMs: () => 120_000,
      ...options,
    });
  }

  /** Starts one with these secrets. */
  static async start(secrets: Readonly<Record<string, string>>, options: Partial<ProxyOptions> = {}): Promise<LocalProxy> {
    const local = new LocalProxy(await bench(secrets), options);
    local.port = (await local.proxy.start()).port;
    await local.renewToken();
    return local;
  }

  /** A new lasting token. */
  async renewToken(): Promise<void> {
    this.token = await this.agents.issue('tester', 'user');
  }

  /** Writes the servers file and approves what is in it, but for those that are named. */
  async servers(content: Record<string, unknown>, ...unapproved: string[]): Promise<void> {
    const path = join(this.folder, SERVERS_FILE);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify({ servers: content }));
    for (const [name, server] of this.#servers.file().servers)
      if (!unapproved.includes(name)) await this.#approvals.approve(server, 'user');
  }

  /** Ends it. No process may be left. */
  async close(): Promise<void> {
    await this.proxy.stop();
    this.vault.dispose();
    try {
      assert.deepEqual(await leftOf(this.folder), [], 'processes are left');
    } finally {
      killLeft(this.folder);
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
