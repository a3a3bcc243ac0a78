import type { Server as HttpServer } from 'node:http';
import type { AuditEntry, AuditSink } from '../audit/entry';
import type { Approvals, Approver } from '../bindings/approvals';
import type { ServersSource } from '../bindings/source';
import type { Clock } from '../shared/clock';
import type { Disposable, Event } from '../shared/disposable';
import { SecretsError } from '../shared/errors';
import type { Logger } from '../shared/logger';
import type { SecretReader } from '../vault/secret';
import { approval } from './approval';
import { Expiry } from './expiry';
import type { ExpiredPolicy } from './expiry';
import type { AgentTokens } from './front/agentTokens';
import { handle } from './front/handler';
import { closeServer, listenOnPort, listenOnSocket } from './front/listeners';
import { Refusals } from './front/refusals';
import { Sessions } from './front/sessions';
import { Injector } from './injector';
import { interceptors } from './interceptors/list';
import { Pipeline } from './pipeline';
import { probe } from './probe';
import { Relay } from './relay';
import { ServerStates } from './serverStates';
import type { ServerStatus } from './serverStates';
import { FunctionUpstream } from './upstream/function';
import { HttpUpstream } from './upstream/http';
import { Connections } from './upstream/request';
import { StdioUpstream } from './upstream/stdio';

export type { ExpiredPolicy } from './expiry';
export type { ServerStatus } from './serverStates';

/** A session without a request for this long is over: its agent has gone without a word. */
const IDLE_MS = 60 * 60 * 1000;
const SWEEP_MS = 60 * 1000;

/** What a proxy needs of the vault. */
export interface ProxyVault extends SecretReader {
  /** @throws SecretsError saying why nothing may be used now: `locked`, `untrusted`, `noFolder`. Asked at every request. */
  refuseUnlessOpen(): void;
}

/** What a proxy needs. */
export interface ProxyOptions {
  readonly vault: ProxyVault;
  readonly servers: ServersSource;
  readonly approvals: Approvals;
  readonly approver: Approver;
  readonly agents: AgentTokens;
  readonly audit: AuditSink;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The unix socket (or `\\.\pipe\…`) to listen on. Its folder is made, 0700. */
  readonly socketPath: string;
  /** The TCP port on 127.0.0.1; 0 lets the system choose. A taken port is replaced by one of the system's. */
  readonly port: number;
  /** How long an upstream may send nothing while a call waits, in ms. */
  readonly callTimeoutMs: () => number;
  /** What happens to calls that need a secret past its expiry date. Default: `warn`. */
  readonly expiredSecrets?: () => ExpiredPolicy;
  /** Hears of each use of an expired secret (its name, the server's name), also of one that is refused. */
  readonly onExpiredUsed?: (secret: string, server: string) => void;
}

/** Where a started proxy listens. */
export interface ProxyAddress {
  /** `http://127.0.0.1:PORT`; a server is at `/mcp/<server>` below it. */
  readonly url: string;
  readonly port: number;
  readonly socket: string;
}

/** The only face of the proxy that editor and command line use. */
export interface Proxy extends Disposable {
  /** Where it listens, once started. */
  readonly address: ProxyAddress | undefined;
  /** Fires with a server's name when its status may have changed. */
  readonly onDidChangeStatus: Event<string>;
  /** Listens; callers that come while it starts share the start. @throws SecretsError `listenFailed`. */
  start(): Promise<ProxyAddress>;
  /** Ends every session, child and listener. Can be started again. */
  stop(): Promise<void>;
  status(server: string): ServerStatus;
  /**
   * Lets a stopped server be used again and tries it: opens a session, asks for its tools, ends the session.
   * Starts the proxy if needed. @returns the number of tools. @throws SecretsError with the reason why it cannot be used.
   */
  startServer(server: string): Promise<number>;
  /** Ends the sessions and children of a server and refuses new ones until `startServer`. */
  stopServer(server: string): Promise<void>;
  /** For when secrets were set, deleted or scheduled anew: forgets failures that this may have mended. */
  secretsChanged(): void;
  /** For when the vault was locked: ends every session, child and open stream in good order. Goes on listening. */
  closeSessions(): Promise<void>;
  /**
   * For when the vault was locked in a hurry: answers everything that is open with `locked`, breaks off upstream requests,
   * kills the children and forgets the sessions, all before this returns; then revokes the tokens of all agents. Goes on listening.
   * Lock the vault first: requests that come after this are refused because of that.
   * @param actor for the record; default: `user`. @throws SecretsError if the tokens kept in a store could not be revoked.
   */
  panic(actor?: AuditEntry['actor']): Promise<void>;
}

/** Makes a proxy that is not started yet. */
export function createProxy(options: ProxyOptions): Proxy {
  return new LocalProxy(options);
}

class LocalProxy implements Proxy {
  readonly #options: ProxyOptions;
  readonly #sessions = new Sessions();
  readonly #states = new ServerStates(this.#sessions);
  readonly #connections = new Connections();
  readonly #refusals: Refusals;
  readonly #stdio: StdioUpstream;
  readonly #relay: Relay;
  readonly onDidChangeStatus = this.#states.onDidChange;
  #started: Promise<Started> | undefined;
  #address: ProxyAddress | undefined;

  constructor(options: ProxyOptions) {
    this.#options = options;
    const { approvals, approver, audit, clock, vault } = options;
    this.#refusals = new Refusals(audit, clock);
    const pipeline = new Pipeline(interceptors(audit, clock));
    const injector = new Injector(vault, new Expiry(options));
    const shared = { ...options, injector, pipeline, sessions: this.#sessions, connections: this.#connections };
    this.#stdio = new StdioUpstream(shared);
    this.#relay = new Relay({
      servers: options.servers,
      sessions: this.#sessions,
      states: this.#states,
      pipeline,
      clock,
      refuseUnlessOpen: () => {
        vault.refuseUnlessOpen();
      },
      admit: approval(approvals, approver),
      upstreams: { http: new HttpUpstream(shared), stdio: this.#stdio, function: new FunctionUpstream(shared) },
    });
  }

  get address(): ProxyAddress | undefined {
    return this.#address;
  }

  async start(): Promise<ProxyAddress> {
    this.#started ??= this.#listen().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    const { address } = await this.#started;
    return address;
  }

  async stop(): Promise<void> {
    const started = await this.#started?.catch(() => undefined);
    this.#started = undefined;
    this.#address = undefined;
    if (started !== undefined) clearInterval(started.sweep);
    await this.#relay.closeAll();
    await Promise.all(started?.listeners.map(closeServer) ?? []);
    // An agent may have opened one while the others were ending.
    await this.#relay.closeAll();
    this.#connections.close();
    this.#refusals.flush();
    this.#states.reset();
  }

  status(server: string): ServerStatus {
    return this.#states.get(server);
  }

  async startServer(server: string): Promise<number> {
    this.#options.servers.get(server);
    this.#states.allow(server);
    const address = await this.start();
    const token = this.#options.agents.issueTemporary('MCP Secrets', this.#options.clock.now());
    try {
      return await probe(address, server, token);
    } catch (error) {
      // The probe knows what an agent would be told; here it is known why.
      throw this.#states.failure(server) ?? error;
    }
  }

  async stopServer(server: string): Promise<void> {
    this.#states.stop(server);
    await Promise.all(this.#sessions.of(server).map((session) => this.#relay.close(session)));
  }

  secretsChanged(): void {
    this.#states.secretsChanged();
  }

  async closeSessions(): Promise<void> {
    await this.#relay.closeAll(new SecretsError('locked', {}));
    this.#states.reset();
  }

  async panic(actor: AuditEntry['actor'] = 'user'): Promise<void> {
    this.#breakOff();
    try {
      await this.#options.agents.revokeAll(actor);
    } finally {
      // What had been let in before, and was on its way to a server just then.
      this.#breakOff();
    }
  }

  #breakOff(): void {
    const why = new SecretsError('locked', {});
    this.#relay.breakOff(why);
    this.#stdio.kill(why);
    this.#connections.close();
    this.#states.reset();
  }

  dispose(): void {
    void this.stop();
    this.#states.dispose();
  }

  async #listen(): Promise<Started> {
    const { agents, logger, port, socketPath } = this.#options;
    const shared = { agents, logger, relay: this.#relay, refusals: this.#refusals };
    const socket = await listenOnSocket(socketPath, (request, response) => void handle(request, response, 'socket', shared));
    // The port is known before the first request can come in.
    const entrance = { port };
    try {
      const tcp = await listenOnPort(port, (request, response) => void handle(request, response, entrance, shared));
      entrance.port = tcp.port;
      this.#address = { url: `http://127.0.0.1:${String(tcp.port)}`, port: tcp.port, socket: socketPath };
      logger.info(`The proxy listens on ${this.#address.url} and ${socketPath}.`);
      return {
        address: this.#address,
        listeners: [socket, tcp.server],
        sweep: setInterval(() => {
          this.#closeIdle();
        }, SWEEP_MS).unref(),
      };
    } catch (error) {
      await closeServer(socket);
      throw error;
    }
  }

  /** Ends sessions whose agents have gone without a word. */
  #closeIdle(): void {
    const now = this.#options.clock.now();
    for (const session of this.#sessions.all()) {
      if (session.visits === 0 && now - session.usedAt > IDLE_MS) void this.#relay.close(session);
    }
  }
}

interface Started {
  readonly address: ProxyAddress;
  readonly listeners: readonly HttpServer[];
  readonly sweep: NodeJS.Timeout;
}
