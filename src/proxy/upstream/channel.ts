import type { SecretsError } from '../../shared/errors';
import type { Injection } from '../injector';
import type { Redactor } from '../interceptors/redactor';
import type { RequestId } from '../jsonRpc';

/** A connection to a server that carries messages both ways for the time of one session: the pipes of a child, or HTTP with SSE. */
export interface Channel {
  /** Whether it can still be spoken over. */
  readonly alive: boolean;
  /**
   * Sends one message: JSON text on one line. Does nothing when it is not alive.
   * @param headers credentials that come with this message only, where messages have headers.
   */
  send(json: string, headers?: Readonly<Record<string, string>>): void;
  /** Ends it in good order, with everything that belongs to it. Never rejects. */
  end(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** Who listens to a channel. */
export interface ChannelListener {
  /** JSON text of one message, or what the server wrote in the place of one. */
  message(text: string): void;
  /**
   * It is gone, or could not be opened. Called once, after the last message.
   * @param said the last words of a child on its standard error, without the values of its secrets.
   */
  gone(error: SecretsError, said?: readonly string[]): void;
  /** A request could not be brought to the server. */
  undelivered(id: RequestId, error: SecretsError): void;
  /** Finds every value that the server was given so far. */
  readonly redactor: Redactor;
}

/** Opens a channel to a server. @throws SecretsError if that cannot be; a child that does not start says so to the listener instead. */
export type OpenChannel<S> = (server: S, injection: Injection, listener: ChannelListener) => Channel | Promise<Channel>;
