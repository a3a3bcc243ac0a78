import assert from 'node:assert/strict';
import { describesModern } from '../../../../src/proxy/bridge/probing';
import { Verdicts } from '../../../../src/proxy/bridge/verdicts';
import type { HttpServer } from '../../../../src/bindings/server';
import type { Message } from '../../../../src/proxy/jsonRpc';
import { FixedClock } from '../../support/memory';

const server: HttpServer = { type: 'http', name: 'one', url: 'http://127.0.0.1:1/', headers: {}, bindings: [], scope: 'workspace' };

describe('which era a server speaks', () => {
  it('is not known at first, then as it was found out, until that is old or forgotten', () => {
    const clock = new FixedClock();
    const verdicts = new Verdicts(clock);
    assert.equal(verdicts.speaks(server, 'modern'), undefined);
    verdicts.found(server, 'modern', false);
    assert.equal(verdicts.speaks({ ...server }, 'modern'), false);
    assert.equal(verdicts.speaks(server, 'legacy'), undefined);
    assert.equal(verdicts.speaks({ ...server, url: 'http://127.0.0.1:2/' }, 'modern'), undefined);
    clock.time += 60 * 60 * 1000 + 1;
    assert.equal(verdicts.speaks(server, 'modern'), undefined);
    verdicts.found(server, 'legacy', true);
    verdicts.forget(server);
    assert.equal(verdicts.speaks(server, 'legacy'), undefined);
  });

  it('is what the servers file says, whatever was found out; functions and the old transport are legacy', () => {
    const verdicts = new Verdicts(new FixedClock());
    const declared: HttpServer = { ...server, protocol: '2026-07-28' };
    verdicts.found(declared, 'legacy', true);
    assert.equal(verdicts.speaks(declared, 'legacy'), false);
    assert.equal(verdicts.speaks(declared, 'modern'), true);
    assert.equal(verdicts.speaks({ ...server, transport: 'sse' }, 'modern'), false);
    assert.equal(verdicts.speaks({ ...server, type: 'function', tools: [] }, 'legacy'), true);
  });

  const answers: readonly [string, Pick<Message, 'result' | 'error'>, boolean][] = [
    ['a description', { result: { supportedVersions: ['2026-07-28'] } }, true],
    ['a description with later revisions', { result: { supportedVersions: ['2027-01-01'] } }, true],
    ['a description with earlier revisions only', { result: { supportedVersions: ['2025-11-25'] } }, false],
    ['something else', { result: { ok: true } }, false],
    ['nothing', { result: null }, false],
    ['a list of other things', { result: { supportedVersions: [20270101] } }, false],
    ['an unknown method', { error: { code: -32601 } }, false],
    ['an unsupported version with modern ones', { error: { code: -32022, data: { supported: ['2027-01-01'] } } }, true],
    ['an unsupported version without modern ones', { error: { code: -32022, data: { supported: ['2025-11-25'] } } }, false],
    ['an unsupported version without any', { error: { code: -32022 } }, false],
    ['headers that do not match', { error: { code: -32020 } }, true],
    ['a missing capability', { error: { code: -32021 } }, true],
    ['a session that is required', { error: { code: -32001 } }, false],
    ['an error that is none', { error: 'no' }, false],
  ];
  for (const [what, answer, modern] of answers)
    it(`the answer to a probe: ${what}`, () => {
      assert.equal(describesModern({ jsonrpc: '2.0', id: 1, ...answer }), modern);
    });
});
