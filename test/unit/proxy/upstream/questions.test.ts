import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Request } from '../../../../src/proxy/jsonRpc';
import { Questions } from '../../../../src/proxy/upstream/questions';

const request = (id: string | number, progressToken?: unknown): Request => ({
  jsonrpc: '2.0',
  id,
  method: 'elicitation/create',
  params: progressToken === undefined ? {} : { _meta: { progressToken } },
});

describe('questions of servers to an agent', () => {
  it('of one connection keep their ids', () => {
    const questions = new Questions<string>();
    assert.deepEqual([questions.ask('a', request(0)), questions.ask('a', request('x')), questions.ask('a', request(0))], [0, 'x', 0]);
    assert.deepEqual([questions.answer(0)?.peer, questions.answer(0)], ['a', undefined]);
  });

  it('of two connections with the same id are told apart, also when one is taken back', () => {
    const questions = new Questions<string>();
    assert.equal(questions.ask('a', request(0)), 0);
    const shown = questions.ask('b', request(0));
    assert.notEqual(shown, 0);
    assert.ok(questions.isAsking('a') && questions.isAsking('b'));
    assert.equal(questions.cancel('b', 0), shown);
    assert.ok(!questions.isAsking('b'));
    assert.equal(questions.answer(shown), undefined);
    assert.equal(questions.answer(0)?.peer, 'a');
  });

  it('tell whose progress the agent reports, and are forgotten with their connection', () => {
    const questions = new Questions<string>();
    questions.ask('a', request(1, 'token'));
    questions.ask('b', request(2, 7));
    assert.deepEqual([questions.ofProgress(7), questions.ofProgress('token'), questions.ofProgress('7')], ['b', 'a', undefined]);
    questions.drop('b');
    assert.deepEqual([questions.ofProgress(7), questions.answer(2)], [undefined, undefined]);
  });

  it('each answer reaches the one who asked, with its own id, whatever ids they use', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat({ max: 5 })), { maxLength: 40 }), (asked) => {
        const questions = new Questions<string>();
        const shown = new Map(asked.map(([peer, id]) => [`${peer} ${String(id)}`, questions.ask(peer, request(id))]));
        assert.equal(new Set(shown.values()).size, shown.size);
        for (const [key, id] of shown) {
          const question = questions.answer(id);
          assert.equal(`${question?.peer ?? ''} ${String(question?.id)}`, key);
        }
      }),
    );
  });
});
