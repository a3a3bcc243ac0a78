import assert from 'node:assert/strict';
import { Agent } from './support/agent';
import { newCanary, newPlainCanary } from './support/canaries';
import { canLook, environmentOf } from './support/processes';
import { scripted, valueOf } from './support/scripted';
import type { OwnEnvironment } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

describe('least privilege of a stdio server', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const token = newCanary();
  const second = newCanary();
  const proxyOnly = newPlainCanary();
  const inherited = { LC_ALL: 'C.UTF-8', LOGNAME: 'tester', SHELL: '/bin/sh', TERM: 'dumb', TZ: 'UTC', USER: 'tester' };
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    await place.secret('token', token);
    await place.secret('second', second);
    const [command, ...args] = scripted();
    await place.servers(
      {
        both: {
          command,
          args,
          env: { MODE: 'test', NUMBER: 5, SHELL: null },
          secrets: { TOKEN: 'env', SECOND: { as: 'env', name: 'second_key', template: 'k=${value};' } },
        },
        one: { command, args, secrets: { TOKEN: 'env' } },
        none: { command, args },
        body: { command, args, secrets: { TOKEN: 'body', SECOND: { as: 'body', name: 'k', template: '<${value}>' } } },
        where: { command, args, cwd: 'sub' },
      },
      'both',
      'one',
      'none',
      'body',
    );
    serving = await place.serve([], {
      ...inherited,
      PROXY_CANARY: proxyOnly,
      GITHUB_TOKEN: proxyOnly,
      NODE_OPTIONS: '--no-deprecation',
      LD_LIBRARY_PATH: '/nowhere',
      SSH_AUTH_SOCK: '/nowhere/agent',
      HTTP_PROXY: 'http://user:password@127.0.0.1:1',
    });
  });

  afterEach(() => {
    agent.close();
  });

  after(() => place.close());

  /** The environment of a server's child, as it sees it and as the system holds it. */
  async function environment(server: string): Promise<Readonly<Record<string, string>>> {
    agent = new Agent(serving, server);
    await agent.initialize();
    const { pid, env } = valueOf(await agent.tool('env')) as OwnEnvironment;
    // The agent sees the values redacted; the system knows what the child got.
    return canLook ? environmentOf(pid) : env;
  }

  const minimal = (): Record<string, string> => ({
    HOME: place.home,
    LANG: 'C.UTF-8',
    PATH: process.env.PATH ?? '',
    TMPDIR: place.temp,
    ...inherited,
  });

  it('holds the bound names, those of the servers file, and the documented minimal set: nothing else', async function () {
    if (!canLook) this.skip();
    const rest = minimal();
    delete rest.SHELL;
    assert.deepEqual(await environment('both'), { ...rest, MODE: 'test', NUMBER: '5', TOKEN: token, second_key: `k=${second};` });
  });

  it('holds no secret of another server', async function () {
    if (!canLook) this.skip();
    assert.deepEqual(await environment('one'), { ...minimal(), TOKEN: token });
    agent.close();
    assert.deepEqual(await environment('none'), minimal());
  });

  it('holds nothing of the environment of the proxy, a canary above all', async () => {
    const env = JSON.stringify(await environment('none'));
    assert.ok(!env.includes(proxyOnly));
    for (const name of [
      'PROXY_CANARY',
      'GITHUB_TOKEN',
      'NODE_OPTIONS',
      'LD_LIBRARY_PATH',
      'SSH_AUTH_SOCK',
      'HTTP_PROXY',
      'MCP_SECRETS_HOME',
    ]) {
      assert.ok(!env.includes(`"${name}"`), name);
    }
  });

  it('is shown to the agent without the values', async () => {
    agent = new Agent(serving, 'both');
    await agent.initialize();
    const { env } = valueOf(await agent.tool('env')) as OwnEnvironment;
    assert.equal(env.TOKEN, '[redacted:TOKEN]');
    assert.equal(env.second_key, 'k=[redacted:SECOND];');
  });

  it('the mode body puts secrets into the _meta of tool calls, and into nothing else', async () => {
    const env = await environment('body');
    assert.ok(!Object.keys(env).some((name) => ['TOKEN', 'SECOND', 'k'].includes(name)));
    const params = valueOf(await agent.call('tools/call', { name: 'params', _meta: { progressToken: 3 } }));
    assert.deepEqual(params, {
      name: 'params',
      _meta: { progressToken: 3, 'mcp-secrets/secrets': { TOKEN: '[redacted:TOKEN]', k: '<[redacted:SECOND]>' } },
    });
    const received = (valueOf(await agent.tool('received')) as string[]).map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const message of received) {
      assert.equal(JSON.stringify(message).includes('mcp-secrets/secrets'), message.method === 'tools/call', JSON.stringify(message));
    }
  });

  it('messages reach the server as the bytes that the agent sent', async () => {
    agent = new Agent(serving, 'none');
    await agent.initialize();
    const body = '{"jsonrpc":"2.0" , "id":"ä","method":"x/unknown","params":{"n":1.50,"s":"\\u2028"},"extra":[null]}';
    const answer = await agent.post(body.replace(' , ', ' ,\n'));
    assert.deepEqual(answer.messages[0]?.result, { method: 'x/unknown', params: { n: 1.5, s: '\u2028' } });
    const received = valueOf(await agent.tool('received')) as string[];
    assert.ok(received.includes(body.replace(' , ', ' , ')), JSON.stringify(received));
  });

  it('a child belongs to one session: another session of the same agent has another child', async () => {
    agent = new Agent(serving, 'none');
    await agent.initialize();
    const again = new Agent(serving, 'none');
    await again.initialize();
    const pids = await Promise.all([agent, again].map(async (a) => (valueOf(await a.tool('env')) as OwnEnvironment).pid));
    assert.notEqual(pids[0], pids[1]);
    again.close();
  });
});
