import assert from 'node:assert/strict';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { scripted } from './support/scripted';
import { Workplace } from './support/workplace';

interface Explained {
  readonly rule?: string;
  readonly consent?: string;
  readonly refusals: readonly string[];
  readonly limits: readonly string[];
  readonly sends?: {
    readonly url?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly env?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly message?: unknown;
  };
}

describe('what would happen to a call', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const values: Readonly<Record<string, string>> = { TOKEN: newPlainCanary(), NARROW: newPlainCanary(), INSIDE: newPlainCanary() };
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    for (const [name, value] of Object.entries(values)) await place.secret(name, value);
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  async function explain(...words: string[]): Promise<Explained> {
    const text = await place.ok(['explain', ...words, '--json']);
    for (const value of Object.values(values)) assert.ok(!text.includes(value));
    return JSON.parse(text) as Explained;
  }

  it('is exactly what the server receives then', async () => {
    const secrets = {
      TOKEN: 'bearer',
      NARROW: { as: 'header', name: 'X-Narrow', template: 'Key ${value}', tools: ['get_*'] },
      INSIDE: { as: 'body', name: 'inside' },
    };
    await place.servers(
      { web: { url: `${upstream.url}?a=b`, headers: { 'X-Team': 'blue', Accept: 'x/y' }, secrets, limits: { concurrency: 3 } } },
      'web',
    );
    const args = { a: [1, { b: 'ü' }] };
    const agent = new Agent(await place.serve(), 'web');
    await agent.initialize();
    for (const tool of ['get_it', 'set_it']) {
      const before = upstream.received.length;
      const { sends, refusals, limits } = await explain('web', tool, '--args', JSON.stringify(args));
      assert.equal(upstream.received.length, before, 'it was contacted');
      assert.deepEqual(refusals, []);
      assert.deepEqual(limits, ['3 calls at a time']);
      await agent.tool(tool, args);
      const { headers, body, path } = upstream.last('tools/call');
      const masked = (text: string): string =>
        Object.entries(values).reduce((all, [name, value]) => all.replaceAll(value, `[secret:${name}]`), text);
      assert.equal(sends?.url, `${upstream.origin}${path}`);
      for (const [name, value] of Object.entries(sends.headers ?? {}))
        assert.equal(masked(String(headers[name.toLowerCase()])), value, name);
      assert.equal('X-Narrow' in (sends.headers ?? {}), headers['x-narrow'] !== undefined);
      const received = JSON.parse(masked(body)) as { params: unknown };
      assert.deepEqual((sends.body as { params: unknown }).params, received.params);
    }
    agent.close();
  });

  it('says what a child gets: command, names of variables, message', async () => {
    const [command = '', ...args] = scripted();
    await place.servers({ child: { command, args, env: { PLAIN: 'x', LANG: null }, secrets: { TOKEN: 'env' } } });
    const { sends, refusals } = await explain('child', 'echo');
    assert.deepEqual(sends?.env, { PLAIN: 'x', TOKEN: '[secret:TOKEN]' });
    assert.match(refusals.join(), /not approved/);
    const text = await place.ok(['explain', 'child']);
    assert.match(text, /It would be refused:\n- Server "child" is not approved/);
    assert.match(text, /TOKEN=\[secret:TOKEN\]\nAnd, if they are set: (?!.*\bLANG\b).*\bPATH\b/);
    assert.match(text, /"method": "tools\/list"/);
  });

  it('says what a function gets', async () => {
    const tools = [{ name: 'deploy' }];
    await place.servers({ fn: { type: 'function', url: upstream.url, tools, secrets: { TOKEN: 'body' } } }, 'fn');
    const { sends } = await explain('fn', 'deploy', '--args', '{"tag":"v1"}');
    assert.deepEqual(sends?.body, { tag: 'v1', secrets: { TOKEN: '[secret:TOKEN]' } });
    assert.match(await place.ok(['explain', 'fn']), /The proxy answers this itself/);
  });

  it('says which rule decides, and every reason for a refusal', async () => {
    const rules = [
      { tools: 'drop', agents: 'Claude*', action: 'deny', reason: 'Too dangerous.' },
      { tools: 'read', arguments: { properties: { path: { pattern: '^/srv/' } } }, action: 'allow' },
      { tools: 'send', action: 'ask' },
    ];
    await place.servers({ web: { url: upstream.url, policy: { rules }, secrets: { GONE: { as: 'bearer', tools: 'gone' } } } }, 'web');
    const denied = await explain('web', 'drop', '--agent', 'Claude Code');
    assert.equal(denied.rule, 'Rule 1: deny drop, for Claude*, because "Too dangerous."');
    assert.match(denied.refusals.join(), /does not allow the tool "drop" \(its rule 1\): "Too dangerous\."/);
    assert.deepEqual((await explain('web', 'drop')).refusals, []);
    assert.match((await explain('web', 'read', '--args', '{"path":"/etc"}')).refusals.join(), /\/path must match/);
    assert.equal((await explain('web', 'read', '--args', '{"path":"/srv/x"}')).refusals.length, 0);
    const asked = await explain('web', 'send', '--agent', 'Claude Code');
    assert.equal(asked.consent, 'asked');
    assert.match(asked.refusals.join(), /"mcp-secrets policy allow web send --agent 'Claude Code'"/);
    await place.ok(['policy', 'allow', 'web', 'send']);
    assert.deepEqual(await explain('web', 'send').then(({ consent, refusals }) => [consent, refusals]), ['allowed', []]);
    const gone = await explain('web', 'gone');
    assert.match(gone.refusals.join(), /The secret GONE, bound to server "web", does not exist/);
    assert.equal(gone.sends, undefined);
    await place.ok(['lock']);
    const locked = await explain('web', 'other');
    assert.match(locked.refusals[0] ?? '', /The vault is locked/);
    assert.ok(locked.sends !== undefined);
    await place.ok(['unlock']);
    assert.equal(upstream.of('tools/call').filter(({ body }) => body.includes('drop')).length, 0);
  });

  it('needs words that make sense', async () => {
    for (const [args, problem] of [
      [['explain'], /needs a server/],
      [['explain', 'web', 'a', 'b'], /"b" is one word too many/],
      [['explain', 'web', 'a', '--args', '[]'], /--args takes a JSON object/],
      [['explain', 'web', 'a', '--reveal'], /makes no sense/],
      [['policy', 'allow', 'web'], /needs a tool/],
    ] as const) {
      const { code, stderr } = await place.cli(args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, problem);
    }
    assert.equal((await place.cli(['explain', 'nowhere'])).code, 1);
  });
});
