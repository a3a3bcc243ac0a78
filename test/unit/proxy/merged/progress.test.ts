import * as assert from 'node:assert/strict';
import type { Request } from '../../../../src/proxy/jsonRpc';
import { ProgressTokens } from '../../../../src/proxy/merged/progress';

const request = (progressToken?: unknown): Request => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: progressToken === undefined ? {} : { _meta: { progressToken } },
});
const progress = (progressToken?: unknown) =>
  ({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } }) as const;

describe('progress that servers tell the agent', () => {
  it('is that of the server that works on it, as long as it does', () => {
    const tokens = new ProgressTokens();
    const over = tokens.begin('a', request(1));
    assert.ok(tokens.allow('a', progress(1)));
    assert.ok(!tokens.allow('b', progress(1)));
    assert.ok(!tokens.allow('a', progress('1')));
    over({ jsonrpc: '2.0', id: 1, result: {} });
    assert.ok(!tokens.allow('a', progress(1)));
  });

  it('under one token can be that of several requests', () => {
    const tokens = new ProgressTokens();
    const overs = ['a', 'a', 'b'].map((server) => tokens.begin(server, request('t')));
    overs[0]?.();
    assert.ok(tokens.allow('a', progress('t')) && tokens.allow('b', progress('t')));
    overs[1]?.();
    assert.ok(!tokens.allow('a', progress('t')) && tokens.allow('b', progress('t')));
  });

  it('goes on for a task after the answer', () => {
    const tokens = new ProgressTokens();
    tokens.begin('a', request('t'))({ jsonrpc: '2.0', id: 1, result: { task: { taskId: 'x' } } });
    assert.ok(tokens.allow('a', progress('t')));
    assert.ok(!tokens.allow('b', progress('t')));
  });

  it('without a token is nobody’s', () => {
    const tokens = new ProgressTokens();
    tokens.begin('a', request())();
    assert.ok(!tokens.allow('a', progress()));
    assert.ok(!tokens.allow('a', { jsonrpc: '2.0', method: 'notifications/progress' }));
  });
});
