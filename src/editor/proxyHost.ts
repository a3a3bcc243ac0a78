import * as vscode from 'vscode';
import { createProxy } from '../proxy/proxy';
import type { Proxy, ProxyAddress, ProxyOptions, ServerStatus } from '../proxy/proxy';
import type { PromisedPorts } from './stores/promisedPorts';

const IDLE: ServerStatus = { state: 'idle', sessions: 0 };

/** The proxy of this window, made when it is first needed. */
export class ProxyHost implements vscode.Disposable {
  readonly #options: () => Omit<ProxyOptions, 'ports'>;
  readonly #promised: PromisedPorts;
  readonly #changed = new vscode.EventEmitter<string>();
  /** Fires with a server's name when its status may have changed. */
  readonly onDidChangeStatus = this.#changed.event;
  #proxy: Proxy | undefined;

  constructor(promised: PromisedPorts, options: () => Omit<ProxyOptions, 'ports'>) {
    this.#promised = promised;
    this.#options = options;
  }

  /** True when an agent outside VS Code was told where the proxy is, and may come at any time. @throws SecretsError `storeFailed`. */
  get isExpected(): boolean {
    return this.#promised.get().length > 0;
  }

  /** What a server is doing. */
  status(server: string): ServerStatus {
    return this.#proxy?.status(server) ?? IDLE;
  }

  /** Listens, if it does not yet. @throws SecretsError `listenFailed`. */
  async start(): Promise<ProxyAddress> {
    return this.#get().start();
  }

  /** Like `start`, and promises the port to agents outside VS Code from now on. @throws SecretsError as `BlobStore.update`, too. */
  async startForOthers(): Promise<ProxyAddress> {
    const address = await this.start();
    await this.#promised.add(address.port);
    return address;
  }

  /** As `Proxy.startServer`. */
  async startServer(server: string): Promise<number> {
    return this.#get().startServer(server);
  }

  /** As `Proxy.stopServer`. */
  async stopServer(server: string): Promise<void> {
    await this.#get().stopServer(server);
  }

  /** As `Proxy.secretsChanged`. */
  secretsChanged(): void {
    this.#proxy?.secretsChanged();
  }

  /** As `Proxy.closeSessions`. */
  async closeSessions(): Promise<void> {
    await this.#proxy?.closeSessions();
  }

  /** As `Proxy.panic`. Tokens are revoked also where no proxy has been started. */
  async panic(): Promise<void> {
    await (this.#proxy?.panic('user') ?? this.#options().agents.revokeAll('user'));
  }

  /** Ends everything that the proxy started; resolves when it has ended. */
  async stop(): Promise<void> {
    await this.#proxy?.stop();
  }

  dispose(): void {
    this.#proxy?.dispose();
    this.#changed.dispose();
  }

  #get(): Proxy {
    if (this.#proxy === undefined) {
      this.#proxy = createProxy({ ...this.#options(), ports: this.#promised.get() });
      this.#proxy.onDidChangeStatus((server) => {
        this.#changed.fire(server);
      });
    }
    return this.#proxy;
  }
}
