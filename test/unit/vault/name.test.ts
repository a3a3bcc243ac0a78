import assert from 'node:assert/strict';
import fc from 'fast-check';
import { normalizeName } from '../../../src/vault/name';
import { anyText } from '../support/arbitraries';
import { outcomeOf, refusal } from '../support/errors';
import { isSecretsError } from '../../../src/shared/errors';

describe('names of secrets', () => {
  const examples: readonly (readonly [given: string, kept: string])[] = [
    ['github-token', 'GITHUB_TOKEN'],
    ['my.api.key', 'MY_API_KEY'],
    ['SlackWebhook', 'SLACKWEBHOOK'],
    ['GITHUB_TOKEN', 'GITHUB_TOKEN'],
    ['a b/c', 'A_B_C'],
    ['9', '9'],
    [' x ', '_X_'],
    ['straße', 'STRASSE'],
    ['clé', 'CL_'],
    ['a😀b', 'A_B'],
    ['x'.repeat(128), 'X'.repeat(128)],
  ];
  for (const [given, kept] of examples) {
    it(`keeps ${JSON.stringify(given.slice(0, 20))} as ${kept.slice(0, 20)}`, () => {
      assert.equal(normalizeName(given), kept);
    });
  }

  for (const name of ['', '_', '---', '😀', '秘密', 'x'.repeat(129)]) {
    it(`refuses ${JSON.stringify(name.slice(0, 20))}`, async () => {
      await refusal('nameInvalid', () => normalizeName(name));
    });
  }

  it('gives only A-Z, 0-9 and _, and changes nothing the second time', async () => {
    await fc.assert(
      fc.asyncProperty(anyText(0, 140), async (name) => {
        let kept = '';
        const error = await outcomeOf(() => (kept = normalizeName(name)));
        if (error !== undefined) {
          assert.ok(isSecretsError(error, 'nameInvalid'));
          return;
        }
        assert.match(kept, /^[A-Z0-9_]{1,128}$/);
        assert.equal(normalizeName(kept), kept);
      }),
    );
  });

  it('does not repeat a long name in full: it may be a value in the wrong place', async () => {
    const error = await refusal('nameInvalid', () => normalizeName('s'.repeat(4000)));
    assert.ok(error.message.length < 300);
  });
});
