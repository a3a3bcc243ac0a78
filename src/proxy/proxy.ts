import type { Server as HttpServer } from 'node:http';
import type { AuditSink } from '../audit/entry';
import type { Approvals, Approver } from '../bindings/approvals';
import type { ServersSource } from '../bindings/source';
import type { Clock } from '../shared/clock';
import type { Disposable, Event } from '../shared/disposable';
import type { Logger } from '../shared/logger';
import type { Vault } from '../vault/vault';
import type { AgentTokens } from './front/agentTokens';
import { handle } from './front/handler';
import { closeServer, listenOnPort, listenOnSocket } from './front/listeners';
import { Sessions } from './front/sessions';
import { approval } from './interceptors/approval';
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

/** A session without a request for this long is over: its agent has gone without a word. */
const IDLE_MS = 60 * 60 * 1000;
const SWEEP_MS = 60 * 1000;

/** What a proxy needs. */
export interface ProxyOptions {
  readonly vault: Vault;
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
  readonly #relay: Relay;
  readonly onDidChangeStatus = this.#states.onDidChange;
  #started: Promise<Started> | undefined;
  #address: ProxyAddress | undefined;

  constructor(options: ProxyOptions) {
    this.#options = options;
    const { approvals, approver, audit, clock } = options;
    const gate = approval(approvals, approver);
    const pipeline = new Pipeline(interceptors(gate, audit, clock));
    const shared = { ...options, pipeline, sessions: this.#sessions, connections: this.#connections };
    this.#relay = new Relay({
      servers: options.servers,
      sessions: this.#sessions,
      states: this.#states,
      pipeline,
      clock,
      admit: (server) => gate.admit(server),
      upstreams: { http: new HttpUpstream(shared), stdio: new StdioUpstream(shared), function: new FunctionUpstream(shared) },
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
    await this.#closeSessions();
    await Promise.all(started?.listeners.map(closeServer) ?? []);
    // An agent may have opened one while the others were ending.
    await this.#closeSessions();
    this.#connections.close();
    this.#states.reset();
  }

  async #closeSessions(): Promise<void> {
    await Promise.all(this.#sessions.all().map((session) => this.#relay.close(session)));
    await this.#relay.settled();
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

  dispose(): void {
    void this.stop();
    this.#states.dispose();
  }

  async #listen(): Promise<Started> {
    const { agents, logger, port, socketPath } = this.#options;
    const shared = { agents, logger, relay: this.#relay };
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
