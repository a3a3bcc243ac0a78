import type { AuditEntry, AuditSink } from '../audit/entry';
import type { Approvals, Approver } from '../bindings/approvals';
import type { NewTools } from '../bindings/pinRules';
import type { Pins } from '../bindings/pins';
import type { CallApprover } from '../bindings/callApproval';
import type { CallGrants } from '../bindings/callGrants';
import type { ServersSource } from '../bindings/source';
import type { Clock } from '../shared/clock';
import type { Disposable, Event } from '../shared/disposable';
import { isSecretsError, SecretsError } from '../shared/errors';
import type { Logger } from '../shared/logger';
import { approval } from './approval';
import { bridged } from './bridge/bridge';
import { Consent } from './consent';
import { Expiry } from './expiry';
import type { ExpiredPolicy } from './expiry';
import { OWN_AGENTS } from './front/agents';
import type { Agents } from './front/agents';
import { handle } from './front/handler';
import { listenOnSocket } from './front/listeners';
import type { Listener } from './front/listeners';
import { listenOnPromisedPorts } from './front/promisedPorts';
import { Refusals } from './front/refusals';
import { Sessions } from './front/sessions';
import type { Session } from './front/sessions';
import { GivenValues } from './givenValues';
import { KnownSecrets } from './guard/knownSecrets';
import type { GuardedVault } from './guard/knownSecrets';
import { maskedCall } from './guard/mask';
import { Injector } from './injector';
import { clientClaims } from './interceptors/clientClaims';
import { Breaker } from './interceptors/breaker';
import type { GuardMode } from './interceptors/guard';
import { interceptors } from './interceptors/list';
import type { Steps } from './interceptors/list';
import type { ToolsMode } from './merged/allServers';
import { isAll } from './merged/allServers';
import { MergedUpstream } from './merged/merged';
import { mayStay, offersFor } from './merged/offers';
import { Pipeline } from './pipeline';
import { probe } from './probe';
import { Relay } from './relay';
import { ServerStates } from './serverStates';
import type { ServerStatus } from './serverStates';
import { FunctionUpstream } from './upstream/function';
import { RemoteUpstream } from './upstream/remote';
import { Connections } from './upstream/request';
import { StdioUpstream } from './upstream/stdio';
import { usableServers } from './usable';

export type { ExpiredPolicy } from './expiry';
export type { GuardMode } from './interceptors/guard';
export { reasonIn } from './jsonRpc';
export type { ToolsMode } from './merged/allServers';
export type { ServerStatus } from './serverStates';

const SWEEP_MS = 60 * 1000;
/** So many abandoned sessions end at a time. */
const FAREWELLS = 64;
const WATCH_MS = 1000;
/** How long the lists of all servers together wait for servers that do not answer; these join later. */
const JOIN_MS = 5_000;

/** For agents, when tools were accepted: they may list them again. */
const TOOLS_CHANGED = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';

/** What a proxy needs of the vault. */
export interface ProxyVault extends GuardedVault {
  /** @throws SecretsError saying why nothing may be used now: `locked`, `untrusted`, `noFolder`. Asked at every request: `mayBeLate` as in `Vault`. */
  refuseUnlessOpen(mayBeLate?: boolean): void;
}

/** What a proxy needs. */
export interface ProxyOptions {
  readonly vault: ProxyVault;
  readonly servers: ServersSource;
  readonly approvals: Approvals;
  readonly approver: Approver;
  readonly pins: Pins;
  readonly agents: Agents;
  readonly audit: AuditSink;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The unix socket (or `\\.\pipe\…`) to listen on. Its folder is made, 0700. */
  readonly socketPath: string;
  /** The TCP ports on 127.0.0.1; 0, or none, lets the system choose. One that is taken is taken over once it is free. */
  readonly ports: readonly number[];
  /** How long an upstream may send nothing while a call waits, in ms. */
  readonly callTimeoutMs: () => number;
  /** What happens to tools that a server did not have at first. Default: `ask`. */
  readonly newTools?: () => NewTools;
  /** Asks a person about calls, where a policy says so; without one, such calls are refused. */
  readonly callApprover?: CallApprover;
  /** Calls that were allowed for good. */
  readonly callGrants?: CallGrants;
  /** What happens to messages of agents that hold the value of a secret. Default: `refuse`. */
  readonly outboundGuard?: () => GuardMode;
  /** What happens to calls that need a secret past its expiry date. Default: `warn`. */
  readonly expiredSecrets?: () => ExpiredPolicy;
  /** Hears of each use of an expired secret (its name, the server's name), also of one that is refused. */
  readonly onExpiredUsed?: (secret: string, server: string) => void;
  /** What agents are offered at `/mcp`, unless they say what they want: every tool, or three to find and call them. Default: `all`. */
  readonly mergedTools?: () => ToolsMode;
  /** How long lists at `/mcp` wait for servers that do not answer, in ms. Default: 5,000. */
  readonly mergedPatienceMs?: number;
}

/** Where a started proxy listens. */
export interface ProxyAddress {
  /** `http://127.0.0.1:PORT`; a server is at `/mcp/<server>` below it, all together are at `/mcp`. */
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
  readonly #sessions: Sessions;
  readonly #breaker: Breaker;
  readonly #states: ServerStates;
  readonly #connections = new Connections();
  readonly #given: GivenValues;
  readonly #refusals: Refusals;
  readonly #known: KnownSecrets;
  readonly #stdio: StdioUpstream;
  readonly #remote: RemoteUpstream;
  readonly #merged: MergedUpstream;
  readonly #relay: Relay;
  readonly #accepted: Disposable;
  readonly onDidChangeStatus: Event<string>;
  #started: Promise<Started> | undefined;
  #address: ProxyAddress | undefined;
  #ownToken: string | undefined;

  constructor(options: ProxyOptions) {
    this.#options = options;
    const { agents, approvals, approver, audit, clock, vault } = options;
    this.#sessions = new Sessions((session) => void this.#relay.endAtServer(session), clock);
    this.#refusals = new Refusals(audit, clock);
    this.#known = new KnownSecrets(vault, options.logger);
    this.#given = new GivenValues(clock);
    this.#states = new ServerStates(this.#sessions, (server) => this.#breaker.restsUntil(server));
    this.onDidChangeStatus = this.#states.onDidChange;
    this.#states.onDidChange((server) => {
      if (!isAll(server)) this.#merged.changed();
    });
    this.#breaker = new Breaker({ clock, why: (server) => this.#states.failure(server)?.message });
    const pipeline = new Pipeline([this.#breaker, ...interceptors({ ...options, ...this.#control() }), clientClaims(agents)]);
    const injector = new Injector(vault, new Expiry(options), this.#given);
    const shared = { ...options, injector, pipeline, sessions: this.#sessions, connections: this.#connections, ...this.#life() };
    this.#stdio = new StdioUpstream(shared);
    this.#remote = new RemoteUpstream(shared);
    const mayUse = (agent: string, server: string): boolean => agents.mayUse(agent, server);
    this.#merged = new MergedUpstream({
      relay: {
        post: (asked, body) => this.#relay.post(asked, body),
        listen: (asked) => this.#relay.listen(asked),
        close: (s) => this.#relay.close(s),
      },
      sessions: this.#sessions,
      clock,
      offers: (agent) => offersFor(agent, { ...options, states: this.#states, mayUse }),
      mayStay: (agent, server) => mayStay(agent, server, { mayUse }),
      mode: options.mergedTools ?? (() => 'all'),
      patienceMs: options.mergedPatienceMs ?? JOIN_MS,
    });
    this.#relay = new Relay({
      servers: options.servers,
      sessions: this.#sessions,
      states: this.#states,
      pipeline,
      clock,
      refuseUnlessOpen: () => {
        vault.refuseUnlessOpen(true);
      },
      admit: approval(approvals, approver),
      mayUse,
      all: bridged({ all: this.#merged }, { sessions: this.#sessions, pipeline, clock }).all,
      upstreams: bridged({ http: this.#remote, stdio: this.#stdio, function: new FunctionUpstream(shared) }, shared),
    });
    this.#accepted = options.pins.onDidAccept((server) => {
      this.#relay.notify(server, TOOLS_CHANGED);
    });
  }

  /** What the guard, redaction and the policy need. */
  #control(): Pick<Steps, 'known' | 'widen' | 'guardMode' | 'policy'> {
    const { callApprover: approver, callGrants: grants, clock, logger, outboundGuard = () => 'refuse', pins } = this.#options;
    const known = this.#known;
    const consent = new Consent({ approver, grants, clock, logger });
    const widen: Steps['widen'] = (server, redactor) => this.#given.widened(server, redactor);
    return {
      known,
      widen,
      guardMode: outboundGuard,
      policy: { tools: pins, consent, show: (tool, args) => maskedCall(known, tool, args) },
    };
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
    if (started !== undefined) {
      clearInterval(started.sweep);
      clearInterval(started.watch);
      started.changes.dispose();
      started.approved.dispose();
    }
    await this.#relay.closeAll();
    await Promise.all(started?.listeners.map((listener) => listener.close()) ?? []);
    // An agent may have opened one while the others were ending.
    await this.#relay.closeAll();
    this.#stdio.rest();
    this.#connections.close();
    this.#given.forget();
    this.#refusals.flush();
    this.#states.reset();
  }

  status(server: string): ServerStatus {
    return this.#states.get(server);
  }

  async startServer(server: string): Promise<number> {
    this.#options.servers.get(server);
    this.#breaker.reset(server);
    this.#states.allow(server);
    const address = await this.start();
    try {
      return await probe(address, server, this.#probeToken());
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
    this.#known.changed();
    this.#breaker.reset();
    this.#states.secretsChanged();
    this.#stdio.tend();
    this.#remote.tend();
  }

  async closeSessions(): Promise<void> {
    const closed = this.#relay.closeAll(new SecretsError('locked', {}));
    // Not when children have ended, which takes seconds: what is given meanwhile, after an unlock, has to be found later.
    this.#given.forget();
    await closed;
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

  /** What upstreams need to look after servers when nobody calls them. */
  #life(): {
    usable: ReturnType<typeof usableServers>;
    crashed: (server: string, error: SecretsError, said: readonly string[]) => void;
    recovered: (server: string) => void;
  } {
    return {
      usable: usableServers(this.#options, this.#states),
      crashed: (server, error, said) => {
        this.#states.crashed(server, error, said);
      },
      recovered: (server) => {
        this.#states.answered(server);
      },
    };
  }

  #breakOff(): void {
    const why = new SecretsError('locked', {});
    this.#relay.breakOff(why);
    this.#stdio.kill(why);
    this.#remote.kill(why);
    this.#merged.kill();
    this.#connections.close();
    this.#given.forget();
    this.#states.reset();
  }

  dispose(): void {
    void this.stop();
    this.#accepted.dispose();
    this.#states.dispose();
  }

  async #listen(): Promise<Started> {
    const { agents, approvals, logger, ports, socketPath } = this.#options;
    const shared = { agents, logger, relay: this.#relay, refusals: this.#refusals };
    const socket = await listenOnSocket(socketPath, (request, response) => void handle(request, response, 'socket', shared));
    try {
      const tcp = await listenOnPromisedPorts(
        ports,
        (entrance) => (request, response) => void handle(request, response, entrance, shared),
        logger,
      );
      this.#address = { url: `http://127.0.0.1:${String(tcp.port)}`, port: tcp.port, socket: socketPath };
      logger.info(`The proxy listens on ${this.#address.url} and ${socketPath}.`);
      setImmediate(() => {
        this.#options.servers.prepare();
      });
      return {
        address: this.#address,
        listeners: [socket, tcp],
        sweep: setInterval(() => {
          void this.#closeAbandoned();
        }, SWEEP_MS).unref(),
        // What another process has changed is noticed by looking.
        watch: setInterval(() => {
          this.#endRefused();
        }, WATCH_MS).unref(),
        changes: agents.onDidChange(() => {
          this.#endRefused();
          this.#merged.changed();
        }),
        approved: approvals.onDidChange(() => {
          this.#merged.changed();
        }),
      };
    } catch (error) {
      await socket.close();
      throw error;
    }
  }

  /** Ends what agents have open whose last token was revoked or has expired, or who may not use a server any more. */
  #endRefused(): void {
    const { agents } = this.#options;
    // Who panics in another process locks first, and then revokes the tokens: that is how it is told here, whatever is seen first.
    const closed = this.#whyClosed();
    try {
      this.#relay.endRefused((agent, server) => {
        if (!agents.hasToken(agent)) return closed ?? new SecretsError('tokenWrong', {});
        return isAll(server) || agents.mayUse(agent, server) ? undefined : new SecretsError('serverNotForAgent', { agent, server });
      });
    } catch {
      // The store cannot be read: nobody is let in then, and what is open is looked at again.
    }
  }

  /** Why nothing may be used now, if that is so. */
  #whyClosed(): SecretsError | undefined {
    try {
      this.#options.vault.refuseUnlessOpen();
      return undefined;
    } catch (error) {
      return isSecretsError(error) ? error : undefined;
    }
  }

  /** One for all probes: a second one would end the first. */
  #probeToken(): string {
    const { agents } = this.#options;
    if (this.#ownToken === undefined || !agents.isValid(this.#ownToken)) this.#ownToken = agents.issueTemporary(OWN_AGENTS.probe);
    return this.#ownToken;
  }

  /** Not all at once: a server that gets more connections than it has room for loses the word that a session is over. */
  async #closeAbandoned(): Promise<void> {
    const some = (): Session[] => this.#sessions.abandoned().slice(0, FAREWELLS);
    for (let next = some(); next.length > 0; next = some()) await Promise.all(next.map((session) => this.#relay.close(session)));
  }
}

interface Started {
  readonly address: ProxyAddress;
  readonly listeners: readonly Listener[];
  readonly sweep: NodeJS.Timeout;
  readonly watch: NodeJS.Timeout;
  readonly changes: Disposable;
  readonly approved: Disposable;
}
