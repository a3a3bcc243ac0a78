import type { Socket } from 'node:net';
import type { AgentRequest } from './request';
import type { Response } from './response';
import { SocketResponse } from './socketResponse';
import { RequestReader } from './requestReader';

/** What may come before the last answer is complete, in bytes. Agents wait for it. */
const MAX_EARLY = 256 * 1024;

/** What a connection needs of its listener. */
export interface Host {
  /** How long a connection may be idle, in seconds. */
  readonly keepAliveSeconds: number;
  /** How long it may take until something comes on a new one, in seconds. */
  readonly firstSeconds: number;
  readonly handle: (request: AgentRequest, response: Response) => void;
  /** Gives the connection to `node:http`, which reads what it holds. */
  readonly handOver: (socket: Socket) => void;
  /** It is closed, or handed over. */
  readonly gone: (connection: Connection) => void;
}

/**
 * A connection of an agent that sends what nearly every agent sends: one whole POST after the other, each when the last one is
 * answered. That takes a fraction of the time that it takes `node:http`. With the first thing that is not like that, the connection
 * is `node:http`'s from then on, with all its checks and limits.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #host: Host;
  readonly #reader = new RequestReader();
  #response: SocketResponse | undefined;
  /** What came before the last answer was complete. */
  #early: Buffer | undefined;
  /** Since when it waits for a request, in ms on a clock that nobody sets. */
  #idleSince = performance.now();
  #isNew = true;

  constructor(socket: Socket, host: Host) {
    this.#socket = socket;
    this.#host = host;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
  }

  /** Closes it if it has been idle for too long. @param now as `performance.now()`. */
  tend(now: number): void {
    const seconds = this.#isNew ? this.#host.firstSeconds : this.#host.keepAliveSeconds;
    if (this.#response === undefined && now - this.#idleSince > seconds * 1000) this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#response !== undefined) {
      // Not left to wait where it is: then nobody would notice that the agent goes away.
      this.#early = this.#early === undefined ? bytes : Buffer.concat([this.#early, bytes]);
      if (this.#early.length > MAX_EARLY) this.destroy();
      return;
    }
    const request = this.#reader.read(bytes);
    if (request === undefined) {
      this.#handOver(bytes);
      return;
    }
    this.#isNew = false;
    const { method, url, headers, body } = request;
    this.#response = new SocketResponse(this.#socket, this.#host.keepAliveSeconds, this.#onAnswered);
    this.#host.handle({ method, url, headers, body: () => body }, this.#response);
  };

  readonly #onAnswered = (): void => {
    this.#response = undefined;
    this.#idleSince = performance.now();
    if (this.#early !== undefined) this.#handOver(this.#early);
  };

  readonly #onEnd = (): void => {
    // As `node:http`: who does not want to hear more is not answered, but gets what was said.
    if (this.#response?.ended === false) this.destroy();
    else this.#socket.end();
  };

  readonly #onError = (): void => {
    this.destroy();
  };

  readonly #onClose = (): void => {
    this.#response?.socketClosed();
    this.#host.gone(this);
  };

  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    socket.pause();
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
    this.#host.gone(this);
    this.#host.handOver(socket);
    socket.unshift(bytes);
    socket.resume();
  }
}
