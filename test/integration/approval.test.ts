import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { scripted } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

describe('a plan that was not approved is not carried out', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const marker = join(place.root, 'started');
  let upstream: ScriptedUpstream;
  let serving: Serving;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', newPlainCanary());
    serving = await place.serve();
  });

  after(async () => {
    assert.equal(upstream.connections, 0, 'no connection was ever opened');
    assert.ok(!existsSync(marker), 'no child was ever started');
    await place.close();
    await upstream.stop();
  });

  function assertRefused(answer: Answer, server: string): void {
    assert.equal(answer.messages[0]?.error?.code, -32000, answer.body);
    assert.equal(answer.messages[0].error.data?.kind, 'serverUnapproved');
    assert.match(
      answer.messages[0].error.message,
      new RegExp(`Server "${server}" is not approved.*Nothing was started or contacted.*"mcp-secrets server approve ${server}"`),
    );
  }

  /** Everything that an agent can do with a server. */
  async function tryAll(server: string): Promise<void> {
    const agent = new Agent(serving, server);
    assertRefused(await agent.initialize(), server);
    assertRefused(await agent.tool('do'), server);
    assertRefused(await agent.call('tools/list'), server);
    assertRefused(await agent.post({ jsonrpc: '2.0', method: 'notifications/initialized' }), server);
    assertRefused(await agent.send('GET'), server);
    agent.close();
  }

  const [command = '', ...args] = scripted('--marker', marker);
  const tools = [{ name: 'do' }];

  it('a server that came with the file: http, stdio, function', async () => {
    const { url } = upstream;
    await place.servers({ web: { url }, child: { command, args }, fn: { type: 'function', url, tools } });
    for (const server of ['web', 'child', 'fn']) await tryAll(server);
    const lines = await place.audited(3, ({ method }) => method === 'initialize');
    for (const line of lines) assert.deepEqual([line.outcome, line.errorKind], ['refused', 'serverUnapproved']);
  });

  const changes: Record<string, { before: object; after: object }> = {
    'another address': { before: { url: 'http://127.0.0.1:9/mcp' }, after: { url: 'URL' } },
    'another path': { before: { url: 'URL/other' }, after: { url: 'URL' } },
    'one more header': { before: { url: 'URL' }, after: { url: 'URL', headers: { 'X-A': 'b' } } },
    'one more secret': { before: { url: 'URL' }, after: { url: 'URL', secrets: { TOKEN: 'bearer' } } },
    'another mode': { before: { url: 'URL', secrets: { TOKEN: 'header' } }, after: { url: 'URL', secrets: { TOKEN: 'bearer' } } },
    'another header name': {
      before: { url: 'URL', secrets: { TOKEN: { as: 'header', name: 'X-A' } } },
      after: { url: 'URL', secrets: { TOKEN: { as: 'header', name: 'X-B' } } },
    },
    'another template': {
      before: { url: 'URL', secrets: { TOKEN: 'header' } },
      after: { url: 'URL', secrets: { TOKEN: { as: 'header', template: 'x ${value}' } } },
    },
    'one less secret': { before: { url: 'URL', secrets: { TOKEN: 'header' } }, after: { url: 'URL' } },
    'a function instead': { before: { url: 'URL' }, after: { type: 'function', url: 'URL', tools } },
    'another argument': { before: { command, args: [...args, 'x'] }, after: { command, args } },
    'another command': { before: { command: '/bin/true', args }, after: { command, args } },
    'another variable': { before: { command, args }, after: { command, args, env: { NODE_OPTIONS: '--inspect' } } },
    'another folder': { before: { command, args }, after: { command, args, cwd: '/' } },
  };

  for (const [change, { before: first, after: then }] of Object.entries(changes)) {
    it(`after a change of the plan: ${change}`, async () => {
      const filled = (server: object): unknown => JSON.parse(JSON.stringify(server).replaceAll('URL', upstream.url)) as unknown;
      await place.servers({ changed: filled(first) }, 'changed');
      await place.servers({ changed: filled(then) });
      await tryAll('changed');
    });
  }

  it('one name that was approved is no approval of another', async () => {
    await place.servers({ a: { url: upstream.url } }, 'a');
    await place.servers({ b: { url: upstream.url } });
    await tryAll('b');
  });

  it('approvals of the repository do not count', async () => {
    await place.servers({ a: { url: 'http://127.0.0.1:9/mcp' } }, 'a');
    await place.servers(`{"servers":{"a":{"url":"${upstream.url}"}},"approved":true}`);
    await tryAll('a');
  });
});

describe('a plan that changes while it is in use', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await ScriptedUpstream.start();
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  it('ends its sessions; the same plan again goes on with a new one', async () => {
    await place.servers({ one: { url: upstream.url } }, 'one');
    const agent = new Agent(await place.serve(), 'one');
    await agent.initialize();
    assert.equal((await agent.tool('do')).status, 200);
    const asked = upstream.of('tools/call').length;
    await place.servers({ one: { url: upstream.url, headers: { 'X-A': 'b' } } });
    assert.equal((await agent.tool('do')).status, 404);
    assert.equal(upstream.of('tools/call').length, asked);
    await place.ok(['server', 'approve', 'one']);
    await agent.initialize();
    assert.equal((await agent.tool('do')).status, 200);
    agent.close();
  });
});
