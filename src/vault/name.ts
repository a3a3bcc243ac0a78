import { SecretsError } from '../shared/errors';

const MAX_LENGTH = 128;

/** The names that a scope may have. */
export const SCOPE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * The name under which a secret is kept: upper-cased, every character outside `A-Z 0-9 _` replaced by `_`
 * (`github-token` → `GITHUB_TOKEN`). Idempotent.
 * @throws SecretsError `nameInvalid` if the result has no letter or digit, or more than 128 characters.
 */
export function normalizeName(name: string): string {
  const normalized = name.toUpperCase().replace(/[^A-Z0-9_]/gu, '_');
  if (!/[A-Z0-9]/.test(normalized) || normalized.length > MAX_LENGTH) {
    throw new SecretsError('nameInvalid', { name: name.slice(0, 40) });
  }
  return normalized;
}

/** The scope, unchanged. @throws SecretsError `scopeInvalid`. */
export function checkScope(scope: string): string {
  if (!SCOPE_NAME.test(scope)) throw new SecretsError('scopeInvalid', { scope: scope.slice(0, 40) });
  return scope;
}
