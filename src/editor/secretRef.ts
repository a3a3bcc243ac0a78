import { checkScope, normalizeName } from '../vault/name';
import { DEFAULT_SCOPE, USER_SCOPE } from '../vault/secret';

/** Which secret: the name alone is not enough. */
export interface SecretRef {
  readonly scope: string;
  readonly name: string;
}

/** How a secret is called where people read of it: `GITHUB_TOKEN`, or `github-work/GITHUB_TOKEN` outside of the default scope. */
export function labelOf({ scope, name }: SecretRef): string {
  return scope === DEFAULT_SCOPE ? name : `${scope}/${name}`;
}

/** The same for every mention of a secret, and different for any other. No scope has a slash in it. */
export function keyOf({ scope, name }: SecretRef): string {
  return `${scope}/${name}`;
}

/** How a scope is called where people read of it. */
export function scopeLabel(scope: string): string {
  return scope === USER_SCOPE ? 'user (all workspaces)' : scope;
}

/** The order in which scopes are shown: the default one, the others by name, the one of the user. */
export function byScope(a: string, b: string): number {
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);
}

/**
 * The secret that a command was called with: an item of a view, or a name, which means the default scope.
 * @throws SecretsError `nameInvalid`, `scopeInvalid`.
 */
export function secretIn(argument: unknown): SecretRef | undefined {
  if (typeof argument === 'string') return { scope: DEFAULT_SCOPE, name: normalizeName(argument) };
  if (typeof argument !== 'object' || argument === null || !('name' in argument) || typeof argument.name !== 'string') return undefined;
  return { scope: scopeIn(argument) ?? DEFAULT_SCOPE, name: normalizeName(argument.name) };
}

/** The scope of an item that a command was called with. @throws SecretsError `scopeInvalid`. */
export function scopeIn(argument: unknown): string | undefined {
  if (typeof argument !== 'object' || argument === null || !('scope' in argument)) return undefined;
  return typeof argument.scope === 'string' ? checkScope(argument.scope) : undefined;
}

function rank(scope: string): number {
  return scope === DEFAULT_SCOPE ? 0 : scope === USER_SCOPE ? 2 : 1;
}
