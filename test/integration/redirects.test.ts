import assert from 'node:assert/strict';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import type { Serving } from './support/serving';
import { textOf } from './support/scripted';
import { Workplace } from './support/workplace';

describe('an http upstream that redirects', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const token = newPlainCanary();
  let upstream: ScriptedUpstream;
  let other: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    [upstream, other] = await Promise.all([ScriptedUpstream.start(), ScriptedUpstream.start()]);
    await place.secret('TOKEN', token);
    await place.addHttp('one', upstream.url, 'TOKEN=bearer');
    await place.servers(
      {
        one: { url: upstream.url, secrets: { TOKEN: 'bearer' } },
        fn: { type: 'function', url: `${upstream.origin}/fn`, secrets: { TOKEN: 'body' }, tools: [{ name: 'do' }] },
      },
      'one',
      'fn',
    );
    serving = await place.serve();
    agent = new Agent(serving, 'one');
    await agent.initialize();
  });

  after(async () => {
    assert.equal(other.connections, 0, 'the other origin was never contacted');
    agent.close();
    await place.close();
    await Promise.all([upstream.stop(), other.stop()]);
  });

  function redirect(status: number, location: string | (() => string)): void {
    upstream.reset();
    upstream.script = ({ path, method }, response) => {
      const target = typeof location === 'string' ? location : location();
      if (path !== '/mcp' && path !== '/fn') return false;
      if (method === 'DELETE') return false;
      response.writeHead(status, { location: target }).end();
      return true;
    };
  }

  for (const status of [301, 302, 303, 307, 308]) {
    it(`${String(status)} to another origin is not followed`, async () => {
      redirect(status, () => `${other.url}?next`);
      const answer = await agent.tool('do');
      assert.equal(answer.messages[0]?.error?.data?.kind, 'upstreamRedirect');
      const { message } = answer.messages[0].error;
      assert.match(message, /redirects where it is not followed.*only 307 and 308 within its own origin are, three times at most/);
      assert.match(message, /set it as "url" in the servers file/);
      assert.ok(!message.includes(new URL(other.url).host), 'where it would go is the word of the server');
      assert.equal((await agent.send('GET')).status, 502);
    });
  }

  it('the same host by another scheme, port or name is another origin', async () => {
    const { port } = new URL(upstream.origin);
    for (const location of [
      `https://127.0.0.1:${port}/mcp2`,
      `http://localhost:${port}/mcp2`,
      `//127.0.0.1:${new URL(other.origin).port}/mcp`,
    ]) {
      redirect(307, location);
      const answer = await agent.tool('do');
      assert.equal(answer.messages[0]?.error?.data?.kind, 'upstreamRedirect', location);
    }
  });

  for (const status of [307, 308]) {
    it(`${String(status)} within the origin is followed, with method, body and credentials`, async () => {
      redirect(status, '/elsewhere?x=1');
      assert.equal(textOf(await agent.tool('do', { a: 'ä' })), 'done');
      const [first, second] = upstream.received;
      assert.deepEqual([second?.path, second?.method, second?.body], ['/elsewhere?x=1', 'POST', first?.body]);
      assert.equal(second?.headers.authorization, `Bearer ${token}`);
    });
  }

  it('within the origin, but so that the body would be lost: not followed', async () => {
    for (const status of [301, 302, 303]) {
      redirect(status, '/elsewhere');
      assert.equal((await agent.tool('do')).messages[0]?.error?.data?.kind, 'upstreamRedirect');
      assert.equal(upstream.received.length, 1);
    }
  });

  it('in a circle: given up', async () => {
    redirect(307, '/mcp');
    assert.equal((await agent.tool('do')).messages[0]?.error?.data?.kind, 'upstreamRedirect');
    assert.equal(upstream.received.length, 4);
  });

  it('to nowhere, or without saying where', async () => {
    redirect(307, 'http://[');
    assert.equal((await agent.tool('do')).messages[0]?.error?.data?.kind, 'upstreamRedirect');
    upstream.script = ({ message }, response) => message?.method === 'tools/call' && !!response.writeHead(302).end();
    assert.equal((await agent.tool('do')).messages[0]?.error?.data?.kind, 'upstreamNonsense');
  });

  it('a function to another origin: its secrets stay', async () => {
    redirect(307, () => other.url);
    const fn = new Agent(serving, 'fn');
    await fn.initialize();
    assert.equal((await fn.tool('do')).messages[0]?.error?.data?.kind, 'upstreamRedirect');
    fn.close();
  });
});
