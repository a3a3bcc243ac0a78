import { reasonOf } from '../../shared/errors';
import type { StreamRecord } from './record';

/** What a receiver made of what it was sent, if not all of it was kept. */
export interface Receipt {
  /** How many of the records it did not keep; they are not sent again. */
  readonly rejected: number;
  /** Its reason, control characters made visible. */
  readonly reason: string;
}

/** The way to one receiver. */
export interface Sender {
  /**
   * Delivers records. @param signal ends the attempt, which fails then. @throws DeliveryError if it is not known that all
   * of them have arrived.
   */
  send(records: readonly StreamRecord[], signal: AbortSignal): Promise<Receipt | undefined>;
}

/** Why a delivery failed. The message is a reason in a few words: a system code or a status, nothing that was sent. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** The receiver does not want these records, and will not want them later. */
  readonly unwanted: boolean;
  /** How long the receiver asks to be left alone, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: string, { unwanted = false, retryAfterMs }: { unwanted?: boolean; retryAfterMs?: number | undefined } = {}) {
    super(reason);
    this.unwanted = unwanted;
    this.retryAfterMs = retryAfterMs;
  }

  /** Any failure as one of these. */
  static of(error: unknown): DeliveryError {
    return error instanceof DeliveryError ? error : new DeliveryError(reasonOf(error));
  }
}
