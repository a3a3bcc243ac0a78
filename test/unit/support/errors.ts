import assert from 'node:assert/strict';
import { isSecretsError, SecretsError } from '../../../src/shared/errors';
import type { ErrorKind } from '../../../src/shared/words';

/** What a function throws, or a promise rejects with; it has to be a SecretsError of this kind. */
export async function refusal<K extends ErrorKind>(kind: K, act: () => unknown): Promise<SecretsError<K>> {
  const error = await outcomeOf(act);
  assert.ok(error instanceof SecretsError, `expected ${kind}, got ${error === undefined ? 'nothing' : JSON.stringify(error)}`);
  assert.equal(error.kind, kind);
  assert.ok(isSecretsError(error, kind));
  return error;
}

/** What a function throws, or a promise rejects with; `undefined` if it does neither. */
export async function outcomeOf(act: () => unknown): Promise<unknown> {
  try {
    await act();
    return undefined;
  } catch (error) {
    return error;
  }
}
