import { isSecretsError, reasonOf, SecretsError } from './errors';

/** What went wrong with a file, as an error of ours: `storeFailed`, or `error` itself if it is one already. */
export function storeFailure(path: string, error: unknown): SecretsError {
  return isSecretsError(error) ? error : new SecretsError('storeFailed', { path, reason: reasonOf(error) });
}
