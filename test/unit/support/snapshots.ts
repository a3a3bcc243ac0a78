import fc from 'fast-check';
import type { SecretSnapshot, VersionSnapshot } from '../../../src/vault/secret';

const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
const name = fc.stringMatching(/^[A-Z0-9][A-Z0-9_]{0,20}$/);
const scope = fc.constantFrom('workspace', 'github-work', 'a.b_c-1');

/** The value is made anew with each use: whoever gets it may overwrite it. */
const version = fc.record({ createdAt: time, expiresAt: fc.option(time), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) });

/** Secrets with all their versions, by unique scope and name, made anew by each call of the function. */
export const anySnapshots: fc.Arbitrary<() => SecretSnapshot[]> = fc
  .uniqueArray(
    fc.record({
      scope,
      name,
      createdAt: time,
      rotateEveryMs: fc.option(fc.integer({ min: 1, max: 1e12 })),
      first: fc.integer({ min: 1, max: 1000 }),
      versions: fc.array(version, { minLength: 1, maxLength: 4 }),
    }),
    { maxLength: 6, selector: (secret) => `${secret.scope}/${secret.name}` },
  )
  .map(
    (secrets) => () =>
      secrets.map(({ rotateEveryMs, first, versions, ...secret }) => ({
        ...secret,
        ...(rotateEveryMs === null ? {} : { rotateEveryMs }),
        versions: versions.map(({ expiresAt, bytes, createdAt }, i) => ({
          version: first + 2 * i,
          createdAt,
          ...(expiresAt === null ? {} : { expiresAt }),
          value: Buffer.from(bytes),
        })),
      })),
  );

/** A secret whose versions have these values, oldest first, one set each day from 2026-01-01. */
export function snapshot(name: string, values: readonly string[], scope = 'workspace'): SecretSnapshot {
  const start = Date.UTC(2026, 0, 1);
  const versions = values.map((value, i): VersionSnapshot => ({
    version: i + 1,
    createdAt: start + i * 86_400_000,
    value: Buffer.from(value),
  }));
  return { scope, name, createdAt: start, versions };
}
