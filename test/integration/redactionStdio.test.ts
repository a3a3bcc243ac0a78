import assert from 'node:assert/strict';
import { Agent } from './support/agent';
import { holds, newCanary } from './support/canaries';
import { until } from './support/eventually';
import { scripted, textOf } from './support/scripted';
import type { Serving } from './support/serving';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

describe('what a stdio server repeats is taken out of what the agent and the log see', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const value = newCanary();
  let serving: Serving;
  let agent: Agent;
  let stream: Stream;

  before(async () => {
    await place.secret('TOKEN', value);
    await place.addStdio('one', scripted(), 'TOKEN');
    serving = await place.serve();
    agent = new Agent(serving, 'one');
    await agent.initialize();
    stream = await Stream.open(agent);
  });

  after(async () => {
    stream.close();
    agent.close();
    await place.close();
  });

  function assertClean(text: string): void {
    assert.ok(!holds(text, value), text);
    assert.match(text, /\[redacted:TOKEN\]/);
  }

  const leak = (where: string): ReturnType<Agent['call']> =>
    agent.call('tools/call', { name: 'leak', arguments: { where, name: 'TOKEN' }, _meta: { progressToken: where } });

  it('in results: raw, JSON-escaped, base64, hex, URL-encoded', async () => {
    const text = textOf(await leak('result'));
    assertClean(text);
    assert.equal(text.split(' ')[0], '[redacted:TOKEN]');
    assert.equal(text.match(/\[redacted:TOKEN\]/g)?.length, 9, text);
  });

  it('in errors', async () => {
    const { messages } = await leak('error');
    assert.equal(messages[0]?.error?.code, -32050);
    assertClean(messages[0].error.message);
  });

  it('in progress', async () => {
    const { messages, body } = await leak('progress');
    assert.equal(messages[0]?.method, 'notifications/progress');
    assertClean(body);
  });

  it('in log messages on the stream', async () => {
    await leak('log');
    await stream.next('the log message', ({ method }) => method === 'notifications/message');
    assertClean(stream.text);
  });

  it('in resources', async () => {
    assertClean((await agent.call('resources/read', { uri: 'test://secret' })).body);
  });

  it('in its standard error, which goes to the log', async () => {
    await leak('stderr');
    await until('the line', () => serving.logs.includes('[one] leak: '));
    assertClean(serving.logs);
  });

  it('in its standard error when it is written in pieces', async () => {
    await leak('pieces');
    await until('the line', () => serving.logs.includes('end of pieces'));
    assert.match(serving.logs, /\[one\] pieces: \[redacted:TOKEN\] end of pieces/);
    assertClean(serving.logs);
  });

  it('in lines that are no messages', async () => {
    assert.equal(textOf(await leak('noise')), 'said');
    await until('the warning', () => serving.logs.includes('no MCP message'));
    assert.match(serving.logs, /this is no message: \[redacted:TOKEN\]/);
  });

  it('also when the child was replaced and speaks of the new value', async () => {
    const next = newCanary();
    await place.secret('TOKEN', next);
    const text = textOf(await leak('result'));
    assert.ok(!holds(text, next), text);
    assert.equal(text.match(/\[redacted:TOKEN\]/g)?.length, 9, text);
  });
});
