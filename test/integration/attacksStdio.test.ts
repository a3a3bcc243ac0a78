import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { canLook } from './support/processes';
import { textOf } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

/** A stdio server whose one tool writes what it is told to its standard output, as it is, again and again. */
const SERVER = `
  let rest = '';
  const out = process.stdout;
  const say = (m) => out.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n');
  /** Writes as fast as it is read, until it has written so many times. */
  const flood = (text, times, then) => {
    while (times > 0) {
      times -= 1;
      if (!out.write(text, 'latin1')) return out.once('drain', () => flood(text, times, then));
    }
    then();
  };
  process.stdin.on('data', (chunk) => {
    const lines = (rest + chunk).split('\\n');
    rest = lines.pop();
    for (const line of lines) {
      const { id, method, params } = JSON.parse(line);
      if (id === undefined || method === undefined) continue;
      if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'f', version: '1' } } });
      else if (method === 'tools/list') say({ id, result: { tools: [{ name: 'write', inputSchema: { type: 'object' } }] } });
      else if (method === 'tools/call') {
        const { text = '', times = 1, before = '', after = '' } = params.arguments;
        const put = (s) => s.replaceAll('ID', JSON.stringify(id)).replaceAll('TOKEN', process.env.TOKEN);
        out.write(put(before), 'latin1');
        flood(put(text), times, () => out.write(put(after), 'latin1'));
      } else say({ id, result: {} });
    }
  });`;

const MiB = 1024 * 1024;
const DONE = '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"done"}]}}\n';

describe('attacks by a stdio server', function () {
  this.timeout(120_000);
  const place = new Workplace();
  const token = newPlainCanary();
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    const script = join(place.root, 'writer.cjs');
    writeFileSync(script, SERVER);
    await place.secret('TOKEN', token);
    await place.addStdio('writer', [process.execPath, script], 'TOKEN');
    serving = await place.serve(['--timeout', '10']);
    agent = new Agent(serving, 'writer');
    await agent.initialize();
  });

  afterEach(async () => {
    assert.equal(textOf(await write({ text: DONE })), 'done', 'the next call is served');
  });

  after(async () => {
    agent.close();
    await place.close();
  });

  function write(what: { text?: string; times?: number; before?: string; after?: string }): Promise<Answer> {
    return agent.tool('write', what);
  }

  function kindOf({ messages }: Answer): string | undefined {
    return messages.find(({ error }) => error !== undefined)?.error?.data?.kind;
  }

  /** The proxy's memory, in MiB; 0 where it cannot be seen. */
  function memory(): number {
    if (!canLook) return 0;
    const status = readFileSync(`/proc/${String(serving.pid)}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  }

  /** Waits until the proxy has less memory than so many MiB: when it is reclaimed is not said. */
  async function isGivenBack(limit: number): Promise<void> {
    await until('the memory is given back', async () => {
      await write({ text: DONE });
      return memory() < limit;
    });
  }

  it('a line of 100 MiB: given up, and the server with it', async () => {
    const before = memory();
    const answer = await write({ before: '{"jsonrpc":"2.0","id":ID,"result":{"x":"', text: 'x'.repeat(MiB), times: 100, after: '"}}\n' });
    assert.match(kindOf(answer) ?? '', /^upstreamTooLarge$|^replyTooLarge$/);
    await isGivenBack(before + 400);
  });

  it('lines that are no messages, without end: noted, and the answer still found', async () => {
    assert.equal(textOf(await write({ text: 'this is no message\n\n[]\n1\n{}\n"x"\n\0\n', times: 2_000, after: DONE })), 'done');
  });

  it('answers to nobody, twice, and with odd ids: only the one that was asked for counts', async () => {
    const odd = ['null', '"ID"', '{}', '[]', '1e999', '-0', '"__proto__"', 'true'].map(
      (id) => `{"jsonrpc":"2.0","id":${id},"result":{"n":1}}\n`,
    );
    const answer = await write({ text: odd.join(''), times: 3, after: `${DONE}${DONE.replace('done', 'again')}` });
    assert.equal(textOf(answer), 'done');
    assert.equal(answer.messages.length, 1, answer.body);
  });

  it('100,000 levels, in an answer, a request and a notification: no harm', async () => {
    for (const deep of [`${'['.repeat(100_000)}"TOKEN"${']'.repeat(100_000)}`, `${'{"a":'.repeat(100_000)}"TOKEN"${'}'.repeat(100_000)}`]) {
      const text = [
        `{"jsonrpc":"2.0","id":ID,"method":"sampling/createMessage","params":{"deep":${deep}}}\n`,
        `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":ID,"deep":${deep}}}\n`,
        `{"jsonrpc":"2.0","method":"notifications/message","params":${deep}}\n`,
        `{"jsonrpc":"2.0","id":ID,"result":{"deep":${deep}}}\n`,
      ].join('');
      const answer = await write({ text, after: DONE });
      assert.ok(!answer.body.includes(token));
    }
  });

  it('a prototype in messages changes nothing here', async () => {
    const bad = '"__proto__":{"polluted":1,"method":"x"},"constructor":{"prototype":{"polluted":1}}';
    const text = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"__proto__",${bad}},${bad}}\n`;
    await write({ text, after: DONE });
    assert.ok(!(await write({ text: DONE })).body.includes('polluted'));
  });

  it('bytes that are no UTF-8, and halves of surrogate pairs', async () => {
    const answer = await write({
      text: '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"a\xffb\xc1\x81 \\ud83d"}]}}\n',
    });
    assert.match(textOf(answer), /^a\ufffdb\ufffd+ \ud83d$/);
  });

  it('more than the agent reads: the agent is cut off, and the memory given back', async () => {
    const before = memory();
    const notice = `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"${'x'.repeat(64 * 1024)}"}}\n`;
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 'slow',
      method: 'tools/call',
      params: { name: 'write', arguments: { text: notice, times: 16 * 600 } },
    });
    const { response, abort } = agent.begin('POST', body);
    const reading = await response;
    reading.on('error', () => undefined);
    await place.audited(1, ({ errorKind }) => errorKind === 'abandoned');
    abort();
    // Behind all that it still had to say.
    await write({ text: DONE });
    await isGivenBack(before + 250);
  });

  it('more than can be kept for an agent that does not listen: the oldest are dropped', async () => {
    const before = memory();
    const notice = `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"${'x'.repeat(MiB)}"}}\n`;
    // After the answer no reply is open on which it could go out.
    assert.equal(textOf(await write({ before: DONE, text: notice, times: 200 })), 'done');
    await until('all of it was taken', async () => textOf(await write({ text: DONE })) === 'done');
    await isGivenBack(before + 300);
  });
});
