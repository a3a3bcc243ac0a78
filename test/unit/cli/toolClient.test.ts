import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { callTool } from '../../../src/cli/toolClient';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../../fixtures/scriptedUpstream';

/** Lets the sockets do what is to be done. */
const turns = async (count = 50): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('the client of "mcp-secrets call"', () => {
  const HOUR = 60 * 60 * 1000;
  const { fetch } = globalThis;
  let upstream: ScriptedUpstream;
  let over: AbortController;
  let answerNow: () => void;

  beforeEach(async () => {
    upstream = await ScriptedUpstream.start();
    over = new AbortController();
    mock.timers.enable({ apis: ['setTimeout'] });
    // The global one gives up after five minutes of silence, whatever the client is told.
    globalThis.fetch = () => Promise.reject(new Error('the global fetch'));
  });

  afterEach(async () => {
    globalThis.fetch = fetch;
    mock.timers.reset();
    await upstream.stop();
  });

  const call = (url = upstream.url): Promise<string> =>
    callTool(new URL(url), 'token', 'do', {}, { timeout: 2 * HOUR, signal: over.signal }).then(
      (result) => JSON.stringify(result.content),
      (error: unknown) => String(error),
    );

  /** Holds the answers to a method back. */
  const hold = (method: string, answer: () => object = () => textResult('late')): Promise<void> =>
    new Promise((resolve) => {
      upstream.script = ({ message }, response) => {
        if (message?.method !== method) return false;
        answerNow = () => {
          json(response, { jsonrpc: '2.0', id: message.id, result: answer() }, { 'mcp-session-id': 'session' });
        };
        resolve();
        return true;
      };
    });

  it('waits for a slow start and a slow answer for as long as it is told', async () => {
    const hello = hold('initialize', () => ({
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 's', version: '1' },
    }));
    const result = call();
    await hello;
    mock.timers.tick(HOUR);
    await turns();
    const called = hold('tools/call');
    answerNow();
    await called;
    mock.timers.tick(HOUR);
    await turns();
    answerNow();
    assert.match(await result, /late/);
    assert.deepEqual(
      upstream.received.map(({ headers }) => headers.authorization),
      upstream.received.map(() => 'Bearer token'),
    );
    assert.equal(upstream.received.at(-1)?.method, 'DELETE', 'the session is ended');
  });

  it('reads an answer that comes as a stream, with progress', async () => {
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      const { progressToken } = message.params?._meta as { progressToken: unknown };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } }));
      response.end(event(answerTo(message, textResult('streamed'))));
      return true;
    };
    assert.match(await call(), /streamed/);
  });

  it('gives up then, and not later', async () => {
    const called = hold('tools/call');
    const result = call();
    await called;
    mock.timers.tick(2 * HOUR + 1);
    assert.match(await result, /timed out/);
  });

  it('gives up when it is told to', async () => {
    for (const method of ['initialize', 'tools/call']) {
      over = new AbortController();
      const held = hold(method);
      const result = call();
      await held;
      over.abort(new Error('enough'));
      assert.match(await result, /enough/);
    }
  });

  it('says what is wrong with the connection', async () => {
    const { url } = upstream;
    await upstream.stop();
    assert.match(await call(url), /ECONNREFUSED/);
  });
});
