import assert from 'node:assert/strict';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { scripted } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

/** What a server with no eye for ids could take for a request. */
const DISGUISED = ['tools/call', 'Tools/Call', 'tools/list', 'initialize', 'vendor/act', 'notifications', 'tools/call/notifications/x'].map(
  (method) => ({ jsonrpc: '2.0', method, params: { name: 'wipe', arguments: {} } }),
);

describe('a request that passes itself off as a notification', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;
  let serving: Serving;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', newPlainCanary());
    const policy = { default: 'deny' };
    await place.servers(
      {
        web: { url: upstream.url, secrets: { TOKEN: 'bearer' }, policy },
        local: { command: process.execPath, args: scripted().slice(1), policy },
      },
      'web',
      'local',
    );
    serving = await place.serve();
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  for (const server of ['web', 'local', undefined]) {
    it(`is refused before it gets anywhere: ${server ?? 'all servers'}`, async () => {
      const agent = new Agent(serving, server);
      await agent.initialize();
      const before = upstream.received.length;
      for (const message of DISGUISED) {
        for (const body of [message, [message]]) {
          const answer = await agent.post(body);
          assert.equal(answer.status, 400, answer.body);
          assert.match(answer.body, /-32600.*it has no \\"id\\", and its method is not that of a notification/);
        }
      }
      assert.equal(upstream.received.length, before, 'the server has received something');
      const honest = await agent.post({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
      assert.equal(honest.status, 202, honest.body);
      agent.close();
    });
  }
});
