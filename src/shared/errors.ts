import { words } from './words';
import type { ErrorDetails, ErrorKind } from './words';

/**
 * The one error type of this product. `kind` is what code decides on, `message` is what a person reads
 * (it says what to do next), `details` is what the message was made of. None of the three ever holds
 * a secret's value: details take names, paths, addresses and numbers only.
 */
export class SecretsError<K extends ErrorKind = ErrorKind> extends Error {
  override readonly name = 'SecretsError';
  readonly kind: K;
  readonly details: ErrorDetails[K];

  constructor(kind: K, details: ErrorDetails[K]) {
    super(words[kind](details));
    this.kind = kind;
    this.details = details;
  }
}

/** True when `error` is a SecretsError, of the given kind if one is given. */
export function isSecretsError<K extends ErrorKind>(error: unknown, kind?: K): error is SecretsError<K> {
  return error instanceof SecretsError && (kind === undefined || error.kind === kind);
}

/**
 * The words for any thrown thing. An error that is not ours is reported by its code or class only:
 * a foreign message can quote what it was given, a secret included.
 */
export function messageOf(error: unknown): string {
  if (error instanceof SecretsError) return error.message;
  return `Something unexpected went wrong (${reasonOf(error)}).`;
}

/** A short, value-free reason of a foreign error: its system code (`ECONNREFUSED`), else its class. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : error.name;
}
