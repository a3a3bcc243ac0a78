import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { fitsTemplate, prefixedUri, splitUri } from '../../../../src/proxy/merged/uris';

describe('URIs of several servers', () => {
  it('with a prefix are taken apart again, whatever the URI', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), fc.string(), (server, uri) => {
        assert.deepEqual(splitUri(prefixedUri(server, uri)), { server, uri });
      }),
    );
    assert.equal(splitUri('file:///x'), undefined);
    assert.equal(splitUri('mcp-secrets:'), undefined);
    assert.ok(URL.canParse(prefixedUri('github', 'file:///x')));
  });

  it('fit the templates that they are made from', () => {
    assert.ok(fitsTemplate('file:///{path}', 'file:///a/b'));
    assert.ok(fitsTemplate('db://{table}/rows/{id}', 'db://users/rows/1'));
    assert.ok(!fitsTemplate('db://{table}/rows/{id}', 'db://users/columns/1'));
    assert.ok(!fitsTemplate('a{x}ba', 'aba'.slice(0, 2)));
    assert.ok(fitsTemplate('plain', 'plain') && !fitsTemplate('plain', 'plainer'));
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z:/]{0,5}$/), { minLength: 2 }),
        fc.stringMatching(/^[a-z0-9]{0,5}$/),
        (pieces, value) => {
          assert.ok(fitsTemplate(pieces.join('{x}'), pieces.join(value)));
        },
      ),
    );
  });
});
