import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { encodings } from '../fixtures/encodings';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import type { Script } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { holds, newCanary } from './support/canaries';
import { scripted, textOf } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

const FILLER = 'Line of "text" \\ and so on.\n'.repeat(180_000);
/** Every encoding of a value in `encodings`. */
const FORMS = 9;

describe('a reply of 10 MB', function () {
  this.timeout(120_000);
  const place = new Workplace();
  const token = newCanary();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;
  /** Resolves when the upstream has sent the large reply. */
  let sent: Promise<void>;
  let isSent: () => void;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', token);
    await place.addHttp('one', upstream.url, 'TOKEN=body');
    await place.addStdio('two', scripted(), 'TOKEN');
    serving = await place.serve();
  });

  beforeEach(async () => {
    upstream.reset();
    sent = new Promise((resolve) => (isSent = resolve));
    agent = new Agent(serving, 'one');
    await agent.initialize();
  });

  afterEach(() => {
    agent.close();
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  const leak = encodings(token).join(' ');
  const large = `${leak}${FILLER}${leak}${FILLER}${leak}`;

  const onLarge =
    (script: Script): Script =>
    (request, response) => {
      if (request.message?.method !== 'tools/call' || request.message.params?.name !== 'large') return false;
      response.on('finish', isSent);
      return script(request, response);
    };

  function assertClean(answer: Answer, filler = FILLER): void {
    const text = textOf(answer);
    assert.ok(!holds(text, token));
    const [first, second, third, ...more] = text.split(filler);
    assert.deepEqual(more, []);
    for (const part of [first, second, third]) assert.equal(part?.match(/\[redacted:TOKEN\]/g)?.length, FORMS, part);
  }

  it('as JSON: is cleaned from its beginning to its end', async () => {
    upstream.script = onLarge(({ message }, response) => json(response, answerTo(message, textResult(large))));
    assertClean(await agent.tool('large'));
  });

  it('as an event: is cleaned from its beginning to its end', async () => {
    upstream.script = onLarge(({ message }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`: ${token} ${'-'.repeat(400_000)}\n`);
      response.end(event(answerTo(message, textResult(large))));
      return true;
    });
    const answer = await agent.tool('large');
    assertClean(answer);
    assert.ok(answer.body.startsWith(': [redacted:TOKEN] ---'));
  });

  it('of a stdio server: is cleaned from its beginning to its end', async () => {
    const other = new Agent(serving, 'two');
    await other.initialize();
    const answer = await other.tool('leak', { where: 'large', name: 'TOKEN' });
    assertClean(answer, 'Line of "text"\n'.repeat(350_000));
    // What comes after it comes in order.
    assert.equal(textOf(await other.tool('echo', { text: 'still here' })), 'still here');
    other.close();
  });

  it('without a value: comes as the bytes that came, whatever they mean', async () => {
    let body = '';
    upstream.script = onLarge(({ message }, response) => {
      body = `{ "result" : {"content":[{"type":"text","text":${JSON.stringify(FILLER).replaceAll('o', '\\u006f')}}], "big": 1.0000000000000000001},\n "jsonrpc":"2.0","id":${JSON.stringify(message?.id)} }\n`;
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      return true;
    });
    assert.ok((await agent.tool('large')).body === body);
  });

  it('that says that the tool failed is on record as a failure', async () => {
    upstream.script = onLarge(({ message }, response) => json(response, answerTo(message, { ...textResult(large), isError: true })));
    assertClean(await agent.tool('large'));
    await place.audited(1, ({ tool, errorKind }) => tool === 'large' && errorKind === 'tool');
  });

  it('that is no JSON, or the answer to another question, is refused in words of ours', async () => {
    for (const body of [
      `{"jsonrpc":"2.0","id":1,"result":"${large}`,
      `{"jsonrpc":"2.0","id":"other","result":${JSON.stringify({ large })}}`,
      JSON.stringify(large),
    ]) {
      upstream.script = onLarge((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(body);
        return true;
      });
      const { messages } = await agent.tool('large');
      assert.equal(messages[0]?.error?.data?.kind, 'upstreamNonsense');
    }
  });

  it('after another, in a stream without end, waits at the server while the agent does not read', async () => {
    const events = 200;
    let written = 0;
    upstream.script = onLarge((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const text = event({
        jsonrpc: '2.0',
        method: 'notifications/message',
        params: { level: 'info', data: `${token} ${'x'.repeat(1_000_000)}` },
      });
      const write = (): void => {
        written += 1;
        if (written < events) response.write(text, write);
      };
      write();
      return true;
    });
    const { response, abort } = agent.begin(
      'POST',
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'large' } }),
    );
    (await response).pause();
    let before = -1;
    while (before !== written) {
      before = written;
      await setTimeout(1_000);
    }
    assert.ok(written < events / 2, `${String(written)} MB were taken from the server`);
    abort();
  });

  it('lets the small calls of another agent be answered in the meantime', async () => {
    upstream.script = onLarge(({ message }, response) => json(response, answerTo(message, textResult(large))));
    const other = new Agent(serving, 'two');
    await other.initialize();
    const answeredMeanwhile = async (): Promise<number> => {
      sent = new Promise((resolve) => (isSent = resolve));
      const reply = { isDone: false };
      const answer = agent.tool('large').finally(() => (reply.isDone = true));
      await sent;
      let answered = 0;
      while (!reply.isDone) {
        assert.equal(textOf(await other.tool('echo', { text: 'small' })), 'small');
        answered += 1;
      }
      assertClean(await answer);
      return answered;
    };
    // Once may be too little: this process may stall for as long as the large reply takes.
    let answered = 0;
    for (let tries = 0; tries < 5 && answered <= 1; tries += 1) answered = await answeredMeanwhile();
    // The last of them may have come after it.
    assert.ok(answered > 1, `${String(answered)} small calls were answered`);
    other.close();
  });
});
