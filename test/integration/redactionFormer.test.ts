import assert from 'node:assert/strict';
import { encodings } from '../fixtures/encodings';
import { answerTo, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { holds, newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { scripted, textOf } from './support/scripted';
import type { Serving } from './support/serving';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

describe('a server that repeats what it was given', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const old = newPlainCanary();
  const current = newPlainCanary();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', old);
    await place.addHttp('one', upstream.url, 'TOKEN=bearer');
    serving = await place.serve();
    agent = new Agent(serving, 'one');
  });

  after(async () => {
    agent.close();
    await place.close();
    await upstream.stop();
  });

  /** Everything that it could say. */
  const leak = [old, current].flatMap(encodings).join(' ');

  function assertClean(text: string): void {
    for (const value of [old, current]) assert.ok(!holds(text, value), text);
    assert.match(text, /\[redacted:TOKEN\]/);
  }

  it('does not give away a former value, also when it keeps no sessions', async () => {
    upstream.sessionId = undefined;
    await agent.tool('first');
    assert.equal(upstream.last('tools/call').headers.authorization, `Bearer ${old}`);
    await place.secret('TOKEN', current);
    upstream.script = ({ message }, response) => message?.method === 'tools/call' && json(response, answerTo(message, textResult(leak)));
    assertClean(textOf(await agent.tool('second')));
    assert.equal(upstream.last('tools/call').headers.authorization, `Bearer ${current}`);
  });

  it('does not give away in one session what it was given outside of it before', async () => {
    upstream.sessionId = 'a session';
    const another = new Agent(serving, 'one');
    await another.initialize();
    assertClean(textOf(await another.tool('third')));
    another.close();
  });

  it('does not give it away when it asks the agent something, nor in the file that it hands out', async () => {
    upstream.sessionId = 'another session';
    const another = new Agent(serving, 'one');
    await another.initialize({ elicitation: {}, sampling: {} });
    const stream = await Stream.open(another);
    await until('the stream at the server', () => upstream.streams.size === 1);
    upstream.say({
      id: 'q',
      method: 'elicitation/create',
      params: { message: leak, requestedSchema: { properties: { [old]: { title: current } } } },
    });
    await stream.next('the question', ({ method }) => method === 'elicitation/create');
    upstream.say({ method: 'notifications/progress', params: { progressToken: 1, progress: 1, message: leak } });
    await stream.next('the progress', ({ method }) => method === 'notifications/progress');
    assertClean(stream.text);
    stream.close();

    const file = Buffer.concat([
      Buffer.from([0, 255, 7, 128]),
      Buffer.from(`token = "${old}"\r\n`),
      Buffer.from([1, 2, 3]),
      Buffer.from(current),
    ]);
    upstream.script = ({ message }, response) =>
      message?.method === 'resources/read' &&
      json(response, answerTo(message, { contents: [{ uri: 'file:///x', blob: file.toString('base64') }] }));
    const { body } = await another.call('resources/read', { uri: 'file:///x' });
    assertClean(body);
    another.close();
  });

  it('does not give it away in headers or bodies of failures', async () => {
    for (const status of [400, 401, 404, 429, 500]) {
      upstream.script = ({ message }, response) => {
        if (message?.method !== 'tools/call') return false;
        const headers = {
          'www-authenticate': `Bearer realm="${old}"`,
          'retry-after': '1',
          'x-token': current,
          link: `<https://x/?${old}>`,
        };
        response.writeHead(status, { ...headers, 'content-type': 'text/plain' }).end(leak);
        return true;
      };
      const answer = await agent.tool('fails');
      const all = JSON.stringify(answer.headers) + answer.body;
      for (const value of [old, current]) assert.ok(!holds(all, value), all);
    }
  });
});

it('a value that is given while the sessions of a locked vault end is found after its rotation', async function () {
  this.timeout(60_000);
  const [old, current] = [newPlainCanary(), newPlainCanary()];
  const upstream = await ScriptedUpstream.start();
  upstream.sessionId = undefined;
  const local = await LocalProxy.start({ TOKEN: old });
  const [command, ...args] = scripted('--stubborn');
  await local.servers({ web: { url: upstream.url, secrets: { TOKEN: 'bearer' } }, slow: { command, args } });
  const [web, slow] = [new Agent(local, 'web'), new Agent(local, 'slow')];
  await slow.initialize();
  let ended = false;
  const closing = local.proxy.closeSessions().then(() => (ended = true));
  await web.tool('first');
  assert.equal(upstream.last('tools/call').headers.authorization, `Bearer ${old}`);
  await local.vault.set('TOKEN', Buffer.from(current), 'user');
  assert.equal(ended, false, 'the child ends too early for what is shown here');
  await closing;
  upstream.script = ({ message }, response) => message?.method === 'tools/call' && json(response, answerTo(message, textResult(old)));
  assert.equal(textOf(await web.tool('second')), '[redacted:TOKEN]');
  for (const agent of [web, slow]) agent.close();
  await local.close();
  await upstream.stop();
});
