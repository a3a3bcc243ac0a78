import { isSecretsError, SecretsError } from '../shared/errors';

/** What can be wrong with a vault as a whole. */
const KINDS = ['keyLost', 'keyNotKept', 'vaultOlder', 'vaultAltered', 'vaultDamaged', 'vaultUnrecoverable'] as const;

/**
 * An error as whoever is told of it has to hear it: one about a vault as a whole tells the scope that this vault holds, if
 * it holds one only, because what it advises is for one vault. Others stay as they are.
 */
export function ofVault(error: unknown, scope: string | undefined): unknown {
  if (scope === undefined) return error;
  for (const kind of KINDS) if (isSecretsError(error, kind)) return new SecretsError(kind, { ...error.details, scope });
  return error;
}
