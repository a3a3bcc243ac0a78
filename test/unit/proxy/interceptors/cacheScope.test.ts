import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Server } from '../../../../src/bindings/server';
import type { Call, Outgoing } from '../../../../src/proxy/call';
import { cacheScope } from '../../../../src/proxy/interceptors/cacheScope';
import { Redactor } from '../../../../src/proxy/interceptors/redactor';

const bound: Server = {
  type: 'http',
  name: 'one',
  url: 'http://127.0.0.1/',
  headers: {},
  scope: 'workspace',
  bindings: [{ secret: 'A', mode: 'bearer', name: 'Authorization', template: '${value}' }],
};

function after(text: string, method = 'tools/list', server = bound): unknown {
  const call: Call = { agent: 'a', server: 'one', id: 1, method, tool: undefined, startedAt: 0, scope: undefined, versions: {} };
  const about: Outgoing = { server, redactor: new Redactor([]), message: undefined, call };
  return cacheScope.outgoing?.(text, about);
}

describe('results of servers with secrets are for their agent only', () => {
  it('one word is changed, nothing else', () => {
    const text = '{ "result" : {"n":1.0,"big":12345678901234567890,"cacheScope" : "public" } }';
    assert.equal(after(text), text.replace('"cacheScope" : "public"', '"cacheScope":"private"'));
  });

  it('other results, and those of servers without secrets, keep their bytes', () => {
    const text = '{"jsonrpc":"2.0","id":1,"result":{"cacheScope":"public"}}';
    assert.equal(after(text, 'tools/call'), text);
    assert.equal(after(text, 'tools/list', { ...bound, bindings: [] }), text);
    const kept = '{"jsonrpc":"2.0","id":1,"result":{"cacheScope":"private","text":"\\"cacheScope\\":\\"public\\""}}';
    assert.equal(after(kept), kept);
    const legacy = '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}';
    assert.equal(after(legacy), legacy);
  });

  it('however it is written, and whatever else looks like it', () => {
    const decoys = ['"x":{"cacheScope":"public"},', '"t":"\\"cacheScope\\":\\"public\\"",', '"u":"\\u0041",', ''];
    const decoy = fc.constantFrom(...decoys);
    // A key that is there twice is another matter.
    const later = fc.constantFrom(...decoys.map((text) => text.replace('"', '"later-')));
    const key = fc.constantFrom('"cacheScope"', '"cache\\u0053cope"');
    const value = fc.constantFrom('"public"', '"p\\u0075blic"', '"shared"', '7', 'null');
    fc.assert(
      fc.property(decoy, key, value, later, fc.constantFrom('', ' ', '\n'), (before, name, scope, behind, space) => {
        const text = `{"jsonrpc":"2.0","id":1,"result":{${before}${name}${space}:${space}${scope},${behind}"z":0}}`;
        const changed = JSON.parse(String(after(text))) as { result: { cacheScope: unknown } };
        assert.equal(changed.result.cacheScope, 'private');
        const given = JSON.parse(text) as { result: Record<string, unknown> };
        if (!before.includes('cacheScope":"public"},') && !behind.includes('cacheScope":"public"},'))
          assert.deepEqual({ ...changed.result, cacheScope: 0 }, { ...given.result, cacheScope: 0 });
      }),
    );
  });

  it('is refused under keys that readers take differently', () => {
    for (const text of [
      '{"jsonrpc":"2.0","id":1,"result":{"CacheScope":"public"}}',
      '{"jsonrpc":"2.0","id":1,"result":{"cacheScope":"private","CACHESCOPE":"public"}}',
      '{"jsonrpc":"2.0","id":1,"result":{"cache\u017fcope":"public"}}',
      '{"jsonrpc":"2.0","id":1,"result":{"cache\\u017fcope":"public"}}',
      '{"jsonrpc":"2.0","id":1,"result":{"C\\u0041cheScope":"public"}}',
      '{"jsonrpc":"2.0","id":1,"result":{"cacheScope":"public","cacheScope":"private"}}',
      '{"jsonrpc":"2.0","id":1,"result":{"cacheScope":"public"},"result":{"cacheScope":"private"}}',
    ]) {
      const { result, error } = JSON.parse(String(after(text, 'prompts/list'))) as { result?: unknown; error: { data: unknown } };
      assert.deepEqual([result, error.data], [undefined, { kind: 'upstreamNonsense' }], text);
    }
    const alone = '{"jsonrpc":"2.0","id":1,"error":null,"Result":{"cacheScope":"public"}}';
    assert.equal(after(alone, 'prompts/list'), alone.replace('public', 'private'));
    const elsewhere = '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"CacheScope":"public"}],"cacheScope":"private"}}';
    assert.equal(after(elsewhere), elsewhere);
  });

  it('what is no JSON stays as it is', () => {
    for (const text of ['', 'null', '[]', '{"cacheScope":', '{"cacheScope":7}']) assert.equal(after(text), text);
  });
});
