import { isSecretsError } from '../../shared/errors';
import type { ErrorKind } from '../../shared/words';

/** The HTTP status that goes with an error of the protocol (2026-07-28, Streamable HTTP); everything else is told with 200. */
export function statusOfCode(code: number | undefined): number {
  if (code === -32601) return 404;
  return code === -32020 || code === -32021 || code === -32022 ? 400 : 200;
}

const STATUS: Partial<Record<ErrorKind, number>> = {
  methodUnknown: 404,
  headerMismatch: 400,
  envelopeInvalid: 400,
  capabilityMissing: 400,
  versionUnsupported: 400,
};

/** The HTTP status with which a call is answered that failed here. */
export function statusOf(error: unknown): number {
  return isSecretsError(error) ? (STATUS[error.kind] ?? 200) : 200;
}
