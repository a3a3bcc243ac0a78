import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatPart, parsePart } from '../../../src/vault/part';
import type { StoredSecret } from '../../../src/vault/part';
import { anyText } from '../support/arbitraries';

const time = fc.nat();
const anySecret: fc.Arbitrary<StoredSecret> = fc
  .record({
    scope: anyText(1, 20),
    name: anyText(1, 20),
    head: fc.base64String({ minLength: 4 }),
    createdAt: time,
    rotateEveryMs: fc.option(fc.integer({ min: 1 })),
    versions: fc.array(
      fc
        .record({ version: fc.integer({ min: 1 }), createdAt: time, expiresAt: fc.option(time), sealed: anyText(0, 30) })
        .map(({ expiresAt, sealed, ...version }) => ({ ...version, ...(expiresAt === null ? {} : { expiresAt }), sealed })),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ rotateEveryMs, ...secret }) => ({ ...secret, ...(rotateEveryMs === null ? {} : { rotateEveryMs }) }));
const anySecrets = fc.uniqueArray(anySecret, { maxLength: 6, selector: ({ scope, name }) => `${scope}/${name}` });

describe('the text of a part', () => {
  it('is read as it was written, whatever is in it', () => {
    fc.assert(
      fc.property(anySecrets, (secrets) => {
        assert.deepEqual(parsePart(formatPart(secrets)).secrets, secrets);
      }),
    );
  });

  it('is the same after it was read and written', () => {
    fc.assert(
      fc.property(anySecrets, (secrets) => {
        const text = formatPart(secrets);
        assert.equal(formatPart(parsePart(text).secrets), text);
      }),
    );
  });

  it('with one damaged line loses that secret only, and is written with that line as it is', () => {
    fc.assert(
      fc.property(anySecrets, fc.nat(), fc.constantFrom('?', 'x', '{}', '[1]', 'null'), (secrets, which, damage) => {
        fc.pre(secrets.length > 0);
        const at = which % secrets.length;
        const lines = formatPart(secrets).split('\n');
        const text = lines.map((line, i) => (i === at + 2 ? damage : line)).join('\n');
        const read = parsePart(text).secrets;
        for (const [i, secret] of secrets.entries()) {
          const { scope, name, head } = secret;
          assert.deepEqual(read[i], i === at ? { scope, name, head, createdAt: 0, versions: [], raw: damage } : secret);
        }
        assert.equal(formatPart(read), text);
      }),
    );
  });

  it('without its first line has all secrets, with no proof', () => {
    fc.assert(
      fc.property(anySecrets, fc.constantFrom('', '?', '{}', '[[1]]'), (secrets, first) => {
        const text = [first, ...formatPart(secrets).split('\n').slice(1)].join('\n');
        assert.deepEqual(
          parsePart(text).secrets,
          secrets.map((secret) => ({ ...secret, head: '' })),
        );
      }),
    );
  });

  it('can be any text', () => {
    fc.assert(
      fc.property(anyText(0, 200), (text) => {
        for (const secret of parsePart(text).secrets) assert.ok(secret.name.length > 0);
      }),
    );
  });
});
