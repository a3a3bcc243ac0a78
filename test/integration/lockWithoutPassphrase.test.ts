import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { textOf } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

describe('who does not have the passphrase', function () {
  this.timeout(60_000);
  const place = new Workplace();
  // Outside of the workplace, in which it may not be found.
  const files = new Workplace();
  const passphrase = newPlainCanary();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let env: Record<string, string>;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    const file = join(files.temp, 'passphrase');
    writeFileSync(file, `${passphrase}\n`, { mode: 0o600 });
    env = { MCP_SECRETS_PASSPHRASE_FILE: file };
    place.watch(passphrase);
    await place.secret('TOKEN', newPlainCanary());
    await place.addHttp('web', upstream.url, 'TOKEN=bearer');
    assert.equal((await place.cli(['key', 'protect'], { env })).code, 0);
    serving = await place.serve([], env);
  });

  after(async () => {
    await place.close();
    await files.close();
    await upstream.stop();
  });

  /** What a call comes to: the text of the tool, or the kind of the error. */
  async function called(token = serving.token): Promise<string | undefined> {
    const agent = new Agent({ port: serving.port, socket: serving.socket, token }, 'web');
    try {
      const hello = await agent.initialize();
      const answer = hello.messages.at(-1)?.error === undefined ? await agent.tool('do') : hello;
      return answer.messages.at(-1)?.error?.data?.kind ?? textOf(answer);
    } finally {
      agent.close();
    }
  }

  it('can lock what others have open, and cannot unlock it', async () => {
    assert.equal(await called(), 'done');
    assert.match(await place.ok(['lock']), /^The vault is locked\./);
    await until('calls are refused', async () => (await called()) === 'locked');
    assert.equal((await place.cli(['unlock'], {})).code, 1);
    assert.equal(await called(), 'locked');
    assert.equal((await place.cli(['unlock'], { env })).code, 0);
    await until('calls work again', async () => (await called()) === 'done');
  });

  it('can panic: tokens are revoked, servers are stopped, calls are refused', async () => {
    const added = await place.ok(['agent', 'add', 'Lasting']);
    const token = /[\w-]{40,}/.exec(added)?.[0] ?? '';
    assert.equal(await called(token), 'done');
    assert.match(await place.ok(['panic']), /^The vault is locked\. Calls that are under way end/);
    await until('calls are refused', async () => (await called(token)) === 'tokenWrong');
    assert.equal((await place.cli(['unlock'], { env })).code, 0);
    assert.equal(await called(token), 'tokenWrong');
  });
});
