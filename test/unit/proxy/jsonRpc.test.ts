import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  errorAnswer,
  isBatch,
  isRequest,
  isResponse,
  numberAt,
  objectAt,
  parseMessage,
  parseMessages,
  reasonIn,
  stringAt,
} from '../../../src/proxy/jsonRpc';
import { isSecretsError, SecretsError } from '../../../src/shared/errors';
import { anyJson, anyText } from '../support/arbitraries';
import { outcomeOf, refusal } from '../support/errors';

describe('JSON-RPC', () => {
  describe('bodies', () => {
    it('are one message or a batch, with all their fields', () => {
      const request = { jsonrpc: '2.0', id: 1, method: 'x/unknown', params: { _meta: { a: 1 } }, extra: true };
      assert.deepEqual(parseMessages(JSON.stringify(request)), [request]);
      assert.deepEqual(parseMessages(JSON.stringify([request, { jsonrpc: '2.0', method: 'notifications/n' }])), [
        request,
        { jsonrpc: '2.0', method: 'notifications/n' },
      ]);
    });

    for (const text of ['', ' ', '{', '{"a":1,}', 'undefined', "{'jsonrpc':'2.0'}", '\ufeff{}']) {
      it(`are not JSON: ${JSON.stringify(text)}`, async () => {
        const error = await refusal('notJson', () => parseMessages(text));
        assert.match(errorAnswer(null, error), /"id":null,"error":\{"code":-32700/);
      });
    }

    for (const text of [
      '[]',
      'null',
      '7',
      '"x"',
      '{}',
      '[[]]',
      '[null]',
      '{"jsonrpc":"2.0"}',
      '{"jsonrpc":"1.0","id":1,"method":"x"}',
      '{"jsonrpc":2.0,"id":1,"method":"x"}',
      '{"id":1,"method":"x"}',
      '{"jsonrpc":"2.0","id":1,"method":7}',
      '{"jsonrpc":"2.0","id":null,"method":"x"}',
      '{"jsonrpc":"2.0","id":{},"method":"x"}',
      '{"jsonrpc":"2.0","id":true,"method":"x"}',
      '[{"jsonrpc":"2.0","id":1,"method":"x"},{}]',
    ]) {
      it(`are no messages: ${text}`, async () => {
        const error = await refusal('notJsonRpc', () => parseMessages(text));
        assert.match(errorAnswer(null, error), /"code":-32600/);
      });
    }

    it('are no batch of more than 100 messages', async () => {
      const batch = (size: number): string =>
        JSON.stringify(Array.from({ length: size }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' })));
      assert.equal(parseMessages(batch(100)).length, 100);
      await refusal('notJsonRpc', () => parseMessages(batch(101)));
    });

    it('can be anything', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            anyText(0, 40),
            anyJson.map((value) => JSON.stringify(value)),
          ),
          async (text) => {
            const error = await outcomeOf(() => parseMessages(text));
            assert.ok(isSecretsError(error, 'notJson') || isSecretsError(error, 'notJsonRpc'), text);
            assert.equal(parseMessage(text), undefined);
          },
        ),
        { numRuns: 300 },
      );
    });

    it('are known to be a batch by their first character', () => {
      for (const [text, batch] of [
        ['[{}]', true],
        [' \r\n\t[', true],
        ['{"a":[]}', false],
        ['', false],
        ['  ', false],
        ['"["', false],
      ] as const)
        assert.equal(isBatch(Buffer.from(text)), batch, text);
    });
  });

  it('tells requests, notifications and answers apart', () => {
    const kinds = (text: string): boolean[] => parseMessages(text).flatMap((message) => [isRequest(message), isResponse(message)]);
    assert.deepEqual(kinds('{"jsonrpc":"2.0","id":0,"method":"x"}'), [true, false]);
    assert.deepEqual(kinds('{"jsonrpc":"2.0","id":"","method":"x"}'), [true, false]);
    assert.deepEqual(kinds('{"jsonrpc":"2.0","method":"notifications/x"}'), [false, false]);
    assert.deepEqual(kinds('{"jsonrpc":"2.0","id":1,"result":null}'), [false, true]);
    assert.deepEqual(kinds('{"jsonrpc":"2.0","id":"a","error":{}}'), [false, true]);
  });

  it('looks into things of any shape', () => {
    for (const thing of [undefined, null, 7, 'text', [], {}, { key: null }, { key: [] }]) {
      assert.equal(objectAt(thing, 'key'), undefined);
      assert.equal(stringAt(thing, 'key'), undefined);
      assert.equal(numberAt(thing, 'key'), undefined);
    }
    assert.deepEqual([objectAt({ k: { a: 1 } }, 'k'), stringAt({ k: 's' }, 'k'), numberAt({ k: 0 }, 'k')], [{ a: 1 }, 's', 0]);
  });

  it('answers errors with their kind, and says nothing of errors that are not ours', () => {
    const ours = JSON.parse(errorAnswer('id-1', new SecretsError('secretMissing', { names: ['K'], server: 's' }))) as Record<
      string,
      unknown
    >;
    assert.deepEqual({ ...ours, error: undefined }, { jsonrpc: '2.0', id: 'id-1', error: undefined });
    assert.match(JSON.stringify(ours), /"code":-32000.*\bK\b.*"kind":"secretMissing"/);
    const foreign = errorAnswer(1, new Error('connect with ghp_0123 failed'));
    assert.match(foreign, /"code":-32603.*"kind":"internal"/);
    assert.doesNotMatch(foreign, /ghp_/);
  });

  it('says of an error what it says, and what to do if it is not ours', () => {
    const ours = new SecretsError('locked', {});
    assert.equal(reasonIn((JSON.parse(errorAnswer(1, ours)) as { error: unknown }).error), ours.message);
    for (const message of ['no', 'no.', 'no. '])
      assert.equal(reasonIn({ code: -32602, message, data: { why: 'x' } }), "no. Check the server's own log.");
    assert.equal(reasonIn(undefined), "it gave no answer. Check the server's own log.");
  });
});
