import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describePlan, planDigest } from '../../../src/bindings/plan';
import { parseServersFile } from '../../../src/bindings/serversFile';
import type { Server } from '../../../src/bindings/server';

function read(server: object): Server {
  const { servers, problems } = parseServersFile(JSON.stringify({ servers: { s: server } }), '/work');
  assert.deepEqual(problems, []);
  const found = servers.get('s');
  assert.ok(found !== undefined);
  return found;
}

const URL = 'https://example.com/mcp';

describe('limits in the servers file', () => {
  const all = {
    startTimeout: '30s',
    callTimeout: '1m',
    maxCallTime: '15m',
    concurrency: 16,
    queue: 0,
    rate: '120/m',
    requestSize: '512KB',
    replySize: '2MB',
    idle: '1h',
  };

  it('are times, sizes and numbers', () => {
    for (const server of [
      { url: URL },
      { command: 'x' },
      { type: 'sse', url: URL },
      { type: 'function', url: URL, tools: [{ name: 't' }] },
    ]) {
      assert.deepEqual(read({ ...server, limits: all }).limits, {
        startTimeoutMs: 30_000,
        callTimeoutMs: 60_000,
        maxCallTimeMs: 900_000,
        concurrency: 16,
        queue: 0,
        rate: { calls: 120, perMs: 60_000 },
        requestBytes: 524_288,
        replyBytes: 2_097_152,
        idleMs: 3_600_000,
      });
    }
    assert.deepEqual(read({ command: 'x', limits: { idle: 'never' } }).limits, { idleMs: 0 });
    assert.deepEqual(read({ command: 'x', limits: {} }).limits, {});
    assert.equal(read({ command: 'x' }).limits, undefined);
  });

  it('are part of the plan, which tells each of them', () => {
    const plain = read({ command: 'x' });
    const limited = read({ command: 'x', limits: all });
    assert.notEqual(planDigest(limited), planDigest(plain));
    assert.ok(!describePlan(plain).some((line) => line.startsWith('Limits')));
    assert.equal(
      describePlan(limited).find((line) => line.startsWith('Limits')),
      'Limits: start within 30s, silent in a call for 1m, a call may take 15m in all, 16 calls at a time, 0 calls waiting, 120 calls in 1m, messages to it up to 512KB, messages from it up to 2MB, ends after 1h without a call',
    );
  });

  it('never make a reader throw, whatever stands there', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(all), '__proto__', 'x'), fc.jsonValue()), (limits) => {
        const { servers, problems } = parseServersFile(JSON.stringify({ servers: { s: { command: 'x', limits } } }), '/work');
        assert.ok(servers.size + Math.min(1, problems.length) === 1);
        for (const value of Object.values(servers.get('s')?.limits ?? {})) assert.ok(typeof value === 'object' || value >= 0);
      }),
    );
  });
});
