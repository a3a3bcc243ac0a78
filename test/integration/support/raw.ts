import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** A bare connection to the proxy's port, on which a test sends what no HTTP client would. */
export class Raw {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #received = '';

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setEncoding('latin1').on('data', (chunk: string) => (this.#received += chunk));
    this.#socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        resolve();
      });
    });
  }

  /** Sends bytes, given as latin1 characters. */
  send(bytes: string | Buffer): void {
    this.#socket.write(bytes, 'latin1');
  }

  /** Everything that came so far. */
  get received(): string {
    return this.#received;
  }

  /** The status of each answer that came so far. */
  get statuses(): number[] {
    return [...this.#received.matchAll(/^HTTP\/1\.[01] (\d{3}) /gm)].map(([, status]) => Number(status));
  }

  /** Waits until the other side has closed it; returns everything that came. */
  async closed(): Promise<string> {
    await this.#closed;
    return this.#received;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Sends bytes on a connection of their own and returns the statuses that came back until it was closed. */
export async function statusesOf(port: number, bytes: string | Buffer): Promise<number[]> {
  const raw = new Raw(port);
  raw.send(bytes);
  await raw.closed();
  return raw.statuses;
}
