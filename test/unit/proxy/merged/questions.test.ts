import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Message } from '../../../../src/proxy/jsonRpc';
import { Questions } from '../../../../src/proxy/merged/questions';

const ask = { jsonrpc: '2.0', id: 0, method: 'roots/list', params: { extra: 1 } } as const;

function outgoing(questions: Questions<string>, from: string, message: Message): Message {
  const sent = questions.outgoing(from, message);
  assert.ok(sent !== undefined);
  return sent;
}

describe('what servers ask the agent', () => {
  it('gets ids that are different, and answers find back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.oneof(fc.nat(3), fc.constantFrom('0', '__proto__')))), (asked) => {
        const questions = new Questions<string>();
        const sent = asked.map(([from, id]) => outgoing(questions, from, { ...ask, id }));
        assert.equal(new Set(sent.map(({ id }) => id)).size, asked.length);
        for (const [index, { id }] of sent.entries()) {
          const [from, own] = asked[index] ?? [];
          const back = questions.answered({ jsonrpc: '2.0', id: id ?? '', result: { ok: true } });
          assert.deepEqual(back, { from, message: { jsonrpc: '2.0', id: own, result: { ok: true } } });
          assert.equal(questions.answered({ jsonrpc: '2.0', id: id ?? '', result: {} }), undefined);
        }
      }),
    );
  });

  it('keeps its other fields', () => {
    const { id, ...rest } = outgoing(new Questions<string>(), 'a', ask);
    assert.deepEqual({ ...rest, id: 0 }, ask);
    assert.notEqual(id, undefined);
  });

  it('progress on it finds back, with the token that the server gave', () => {
    const questions = new Questions<string>();
    const sent = outgoing(questions, 'a', { ...ask, params: { _meta: { progressToken: 0, kept: 1 } } });
    const token = (sent.params as { _meta: { progressToken: unknown } })._meta.progressToken;
    const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: token, progress: 1 } } as const;
    assert.deepEqual(questions.progressed(progress), {
      from: 'a',
      message: { ...progress, params: { progressToken: 0, progress: 1 } },
    });
    assert.equal(questions.progressed({ ...progress, params: { progressToken: 'other' } }), undefined);
  });

  it('is taken back by the server that asked, under the id that the agent knows', () => {
    const questions = new Questions<string>();
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 0, reason: 'late' } } as const;
    const { id } = outgoing(questions, 'a', ask);
    questions.outgoing('b', ask);
    assert.deepEqual(outgoing(questions, 'a', cancel).params, { requestId: id, reason: 'late' });
    assert.equal(questions.answered({ jsonrpc: '2.0', id: id ?? '', result: {} }), undefined);
    assert.equal(questions.forget('b').length, 1);
  });

  it('is taken back by nobody else, under whichever id', () => {
    const questions = new Questions<string>();
    const { id } = outgoing(questions, 'a', ask);
    for (const requestId of [0, id, String(id), 77, null, undefined]) {
      const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } } as const;
      assert.equal(questions.outgoing('b', cancel), undefined);
    }
    assert.equal(questions.outgoing('b', { jsonrpc: '2.0', method: 'notifications/cancelled' }), undefined);
    assert.equal(questions.answered({ jsonrpc: '2.0', id: id ?? '', result: {} })?.from, 'a');
  });

  it('is forgotten when a server asks without end', () => {
    const questions = new Questions<string>();
    const first = outgoing(questions, 'a', ask);
    for (let i = 0; i < 2_000; i += 1) questions.outgoing('a', ask);
    assert.equal(questions.answered({ jsonrpc: '2.0', id: first.id ?? '', result: {} }), undefined);
  });
});
