import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ambiguityIn } from '../../../src/proxy/ambiguity';
import { anyJson } from '../support/arbitraries';

const ambiguity = (text: string): string | undefined => ambiguityIn(text, JSON.parse(text));

describe('a message', () => {
  it('that reads one way only is not ambiguous', () => {
    fc.assert(
      fc.property(anyJson, fc.nat(2), (json, indent) => {
        assert.equal(ambiguity(JSON.stringify({ params: json }, undefined, indent)), undefined);
      }),
      { numRuns: 1_000 },
    );
    for (const text of ['{"a":"\\":\\"","b\\"":{":":[{"a":1},{"a":2}]}}', '{"a":1,"A":2}', '{"":1," ":2}', '[]', '":"', '{"a:b":"c:d"}'])
      assert.equal(ambiguity(text), undefined, text);
  });

  it('is ambiguous if any object in it has a key twice, however it is written and however deep', () => {
    const spellings = fc.constantFrom('"name"', '"\\u006eame"', '"n\\u0061me"');
    fc.assert(
      fc.property(anyJson, anyJson, spellings, spellings, fc.nat(50), (first, second, one, other, depth) => {
        const object = `{${one}:${JSON.stringify(first)},"x":[1], ${other} :${JSON.stringify(second)}}`;
        assert.match(ambiguity(`${'{"in":['.repeat(depth)}${object}${']}'.repeat(depth)}`) ?? '', /same key twice/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is ambiguous also where the key is __proto__ or a whole object is lost', () => {
    for (const text of ['{"__proto__":1,"__proto__":2}', '{"a":{"b":1,"c":2},"a":{}}', '[{"a":1},{"a":1,"a":1}]', '{"a":1,"a":1,"b":{}}'])
      assert.match(ambiguity(text) ?? '', /same key twice/, text);
  });

  it('nested without end is read without end of the stack', () => {
    const depth = 100_000;
    assert.equal(ambiguity(`{"params":${'['.repeat(depth)}${']'.repeat(depth)}}`), undefined);
    assert.match(ambiguity(`${'{"a":'.repeat(depth)}{"b":1,"b":2}${'}'.repeat(depth)}`) ?? '', /same key twice/);
  });

  describe('is ambiguous for servers that do not look at the case of letters', () => {
    const call = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
    for (const [text, key] of [
      ['{"jsonrpc":"2.0","method":"tools/list","Method":"tools/call"}', 'method'],
      ['{"jsonrpc":"2.0","METHOD":"tools/call","id":1,"result":{}}', 'method'],
      ['[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"a","Params":{}}]', 'params'],
      [call('{"name":"get","Name":"delete"}'), 'name'],
      [call('{"name":"get","arguments":{},"argument\u017f":{"a":1}}'), 'arguments'],
      [call('{"name":"get","ta\u017f\u212a":{}}'), 'task'],
    ] as const) {
      it(text.slice(0, 80), () => {
        assert.equal(ambiguity(text), `it has "${key}" in another spelling`);
      });
    }

    it('but not in arguments, which are the tool’s own business', () => {
      assert.equal(ambiguity(call('{"name":"get","arguments":{"Name":1,"name":2,"METHOD":3}}')), undefined);
    });
  });
});
