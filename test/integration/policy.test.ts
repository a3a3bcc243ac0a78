import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { fixture } from './support/programs';
import { scripted } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

/** The one error in an answer. */
function errorOf({ messages, body }: Answer): { kind: string | undefined; message: string; code: number } {
  const error = messages[0]?.error;
  assert.ok(error !== undefined, body);
  return { kind: error.data?.kind, message: error.message, code: error.code };
}

describe('a policy', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    upstream.sessionId = undefined;
    serving = await place.serve(['--new-tools', 'allow']);
    agent = new Agent(serving, 'web');
  });

  after(async () => {
    agent.close();
    await place.close();
    await upstream.stop();
  });

  /** Puts a policy on the server `web`, approved. */
  async function under(policy: object): Promise<void> {
    await place.servers({ web: { url: upstream.url, policy } }, 'web');
  }

  /** A call that must not get to the server. */
  async function refused(call: Promise<Answer>, kind: string): Promise<string> {
    const before = upstream.received.length;
    const error = errorOf(await call);
    assert.equal(error.kind, kind, error.message);
    assert.equal(upstream.received.length, before, 'the server has received something');
    return error.message;
  }

  async function allowed(call: Promise<Answer>): Promise<void> {
    const answer = await call;
    assert.ok(answer.messages[0]?.result !== undefined, answer.body);
  }

  it('lets through, denies and asks by the names of tools, and says why', async () => {
    await under({
      rules: [
        { tools: 'get_*', action: 'allow' },
        { tools: ['delete_*', 'drop?'], action: 'deny', reason: 'Production data.' },
        { tools: 'send', action: 'ask' },
      ],
    });
    await allowed(agent.tool('get_issue'));
    await allowed(agent.tool('other'));
    const denied = await refused(agent.tool('delete_repo'), 'policyDenied');
    assert.match(
      denied,
      /policy of server "web" does not allow the tool "delete_repo" \(its rule 2\): "Production data\."\. Nothing was sent/,
    );
    await refused(agent.tool('drop1'), 'policyDenied');
    await allowed(agent.tool('drop'));
    const asked = await refused(agent.tool('send'), 'callUnapproved');
    assert.match(asked, /"mcp-secrets policy allow web send --agent 'command line'"/);
    const lines = await place.audited(2, ({ errorKind }) => errorKind === 'policyDenied');
    assert.deepEqual(
      lines.map(({ action, tool, outcome }) => [action, tool, outcome]),
      [
        ['call', 'delete_repo', 'refused'],
        ['call', 'drop1', 'refused'],
      ],
    );
  });

  it('is about tool calls: everything else passes', async () => {
    await under({ default: 'deny' });
    await allowed(agent.call('tools/list'));
    await allowed(agent.call('resources/list'));
    assert.match(await refused(agent.tool('any'), 'policyDenied'), /\(its default\)/);
  });

  it('follows the first rule that is about the agent', async () => {
    await under({
      rules: [
        { agents: 'Command*', tools: 'x', action: 'deny' },
        { agents: ['claude*'], action: 'deny' },
      ],
    });
    await refused(agent.tool('x'), 'policyDenied');
    await allowed(agent.tool('y'));
  });

  it('holds calls to the arguments that they may have, and says what is wrong with them', async () => {
    const properties = { path: { type: 'string', pattern: '^/srv/([a-z]+/?)+$' } };
    await under({
      rules: [{ tools: 'read', arguments: { properties, required: ['path'], additionalProperties: false }, action: 'allow' }],
    });
    await allowed(agent.tool('read', { path: '/srv/data' }));
    await allowed(agent.tool('other', { path: '/etc' }));
    const why = await refused(agent.tool('read', { path: '/etc/hidden-value' }), 'policyArguments');
    assert.match(why, /arguments for the tool "read" \(its rule 1\): \/path must match \^\/srv\/.* Change the arguments/);
    assert.ok(!why.includes('hidden-value'));
    await refused(agent.tool('read'), 'policyArguments');
    await refused(agent.call('tools/call', { name: 'read' }), 'policyArguments');
    for (const args of [[{ path: '/srv/x' }], '/etc', 7, true])
      await refused(agent.call('tools/call', { name: 'read', arguments: args }), 'policyArguments');
    await refused(agent.tool('read', { path: '/srv/x', Path: '/etc' }), 'policyArguments');
    await refused(agent.tool('read', JSON.parse('{"path":"/srv/x","__proto__":{"path":"/etc"}}') as object), 'policyArguments');
    // A pattern with which others take forever, on a text that is made for that.
    await refused(agent.tool('read', { path: `/srv/${'a'.repeat(200_000)}!` }), 'policyArguments');
    await refused(agent.tool('read', { path: `/srv/${'a'.repeat(2_000_000)}` }), 'policyArguments');
  });

  it('refuses numbers that the server may read as others than were checked, and says so', async () => {
    await under({ rules: [{ tools: 'pay', arguments: { properties: { to: { enum: [7, 0.1, 123456789012345680] } } }, action: 'allow' }] });
    const pay = (to: string, tool = 'pay'): string =>
      `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"${tool}","arguments":{"to":${to}}}}`;
    await allowed(agent.post(pay('7.0')));
    await allowed(agent.post(pay('0.1')));
    await allowed(agent.post(pay('123456789012345681', 'other')));
    for (const number of ['123456789012345681', '123456789012345680', '0.1000000000000000055', '7.0000000000000000001']) {
      const why = await refused(agent.post(pay(number)), 'policyArguments');
      assert.match(why, /\/to is a number that others may read as another one .* Give it with fewer digits, or as a text/);
    }
    await refused(agent.post(`[${pay('0.1000000000000000055')}]`), 'policyArguments');
  });

  it('is not kept busy: patterns that are too large are an error of the file, long names of tools no names', async () => {
    await place.servers({
      web: {
        url: upstream.url,
        policy: { rules: [{ arguments: { properties: { a: { pattern: `${'[ab]{0,1000}'.repeat(40)}c$` } } }, action: 'allow' }] },
      },
    });
    assert.match(await refused(agent.tool('x', { a: 'ab' }), 'serverInvalid'), /too large to be checked: .* Repeat less/);
    await under({ rules: [{ arguments: { properties: { a: { pattern: '^[ab]{0,1000}$' } } }, action: 'allow' }] });
    await allowed(agent.tool('x', { a: 'ab'.repeat(500) }));
    assert.match(await refused(agent.tool('x', { a: 'ab'.repeat(5_000) }), 'policyArguments'), /too large to be checked/);
    await refused(agent.tool('x'.repeat(257)), 'toolNameUnclear');
  });

  describe('decides over what the server will read', () => {
    before(() => under({ rules: [{ tools: 'delete*', action: 'deny' }] }));

    const call = (params: string): string => `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":${params}}`;
    const attacks: Readonly<Record<string, string>> = {
      'a name twice': call('{"name":"get","name":"delete"}'),
      'a name twice, the harmless one last': call('{"name":"delete","name":"get"}'),
      'a name twice, one escaped': call('{"n\\u0061me":"delete","name":"get"}'),
      'params twice': '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"delete"},"params":{"name":"get"}}',
      'a method twice': '{"jsonrpc":"2.0","id":7,"method":"tools/call","method":"tools/list","params":{"name":"delete"}}',
      'a method in another spelling beside it':
        '{"jsonrpc":"2.0","id":7,"method":"tools/list","Method":"tools/call","params":{"name":"delete"}}',
      'a name in another spelling beside it': call('{"name":"get","NAME":"delete"}'),
      'the same in a batch': `[${call('{"name":"get","Name":"delete"}')}]`,
      'a key twice in the arguments': call('{"name":"get","arguments":{"a":[{"b":1,"b":2}]}}'),
      'a key twice far down': call(`{"name":"get","arguments":{"a":${'['.repeat(5_000)}{"b":1,"b":2}${']'.repeat(5_000)}}}`),
    };
    for (const [what, body] of Object.entries(attacks)) {
      it(`and refuses what reads in two ways: ${what}`, async () => {
        const before = upstream.received.length;
        const answer = await agent.post(body);
        assert.deepEqual([answer.status, errorOf(answer).code, errorOf(answer).kind], [400, -32600, 'notJsonRpc'], answer.body);
        assert.equal(upstream.received.length, before);
      });
    }

    it('and refuses bytes that are no UTF-8', async () => {
      const [front, back] = call('{"name":"de?lete"}').split('?');
      const answer = await agent.post(Buffer.concat([Buffer.from(front ?? ''), Buffer.from([0xc1, 0xac]), Buffer.from(back ?? '')]));
      assert.deepEqual([answer.status, errorOf(answer).code], [400, -32700]);
    });

    it('and refuses names that are no text, or look like another one', async () => {
      for (const name of [['delete'], { toString: 'delete' }, 7, null, undefined, 'dele\u200bte', ' delete', 'delete\n', 'get\u202e'])
        assert.match(await refused(agent.call('tools/call', { name }), 'toolNameUnclear'), /names no tool in plain text/);
      await refused(agent.call('tools/call'), 'toolNameUnclear');
    });

    it('and reads escapes like the server', async () => {
      await refused(agent.post(call('{"name":"\\u0064elete"}')), 'policyDenied');
      await refused(agent.post('{"jsonrpc":"2.0","id":7,"method":"tools\\/c\\u0061ll","params":{"name":"delete"}}'), 'policyDenied');
    });

    it('for each call of a batch', async () => {
      const both = [call('{"name":"get"}').replace('7', '8'), call('{"name":"delete"}')];
      const before = upstream.received.length;
      const answer = await agent.post(`[${both.join(',')}]`);
      assert.deepEqual(
        answer.messages.map(({ error }) => error?.data?.kind),
        ['policyDenied', 'policyDenied'],
      );
      assert.equal(upstream.received.length, before);
    });

    it('and leaves Object.prototype alone', async () => {
      await allowed(agent.post(call('{"name":"get","arguments":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}')));
      await allowed(agent.tool('__proto__'));
      await allowed(agent.tool('constructor'));
      assert.match(upstream.last('tools/call').body, /constructor/);
    });
  });

  it('that has an error keeps the server out of use, and says where', async () => {
    await place.servers({ web: { url: upstream.url, policy: { rules: [{ tools: 'a', action: 'deny', arguments: {} }] } } });
    assert.match(await refused(agent.tool('x'), 'serverInvalid'), /line \d+\): A rule that denies refuses every call/);
  });

  it('is part of the plan: a change must be approved, also one that allows more', async () => {
    await under({ default: 'deny' });
    await place.servers({ web: { url: upstream.url } });
    await refused(agent.tool('x'), 'serverUnapproved');
    assert.match(await place.ok(['server', 'approve', 'web']), /Connects to/);
    await under({ default: 'ask', rules: [{ tools: 'a\u202eb', action: 'deny', agents: ['x'] }] });
    const plan = await place.ok(['server', 'approve', 'web']);
    assert.match(plan, /Rule 1: deny a\\u202eb, for x\nOther calls: ask\n/);
  });
});

describe('a policy by what a server says of its tools', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const offerFile = join(place.root, 'offer.json');
  /** What is said of each tool; `undefined`: nothing. */
  const SAID: Readonly<Record<string, object | undefined>> = {
    read: { readOnlyHint: true, destructiveHint: false },
    write: { readOnlyHint: false, destructiveHint: false },
    erase: { readOnlyHint: false, destructiveHint: true },
    plain: undefined,
    titled: { title: 'Only a title', idempotentHint: true },
    odd: { readOnlyHint: 'true', destructiveHint: null },
  };
  let serving: Serving;
  let agents: Agent[] = [];

  before(async () => {
    serving = await place.serve(['--new-tools', 'allow']);
  });

  beforeEach(() => {
    offer(SAID);
  });

  afterEach(() => {
    for (const agent of agents) agent.close();
    agents = [];
  });

  after(() => place.close());

  function offer(said: typeof SAID): void {
    const tools = Object.entries(said).map(([name, annotations]) => ({ name, inputSchema: { type: 'object' }, annotations }));
    writeFileSync(offerFile, JSON.stringify({ pages: [tools] }));
  }

  /** An agent of a server, of the SDK, with this policy. Each has a name of its own, so that nothing is known of its tools. */
  async function under(name: string, policy: object, listed = true): Promise<Agent> {
    const { execPath: command } = process;
    await place.servers({ [name]: { command, args: [fixture('changingServer'), offerFile], policy } }, name);
    const agent = new Agent(serving, name);
    agents.push(agent);
    await agent.initialize();
    if (listed) await list(agent);
    return agent;
  }

  async function list(agent: Agent): Promise<void> {
    const { messages, body } = await agent.call('tools/list');
    assert.deepEqual(
      (messages[0]?.result?.tools as { name: string }[] | undefined)?.map(({ name }) => name),
      Object.keys(SAID),
      body,
    );
  }

  const received = (): string[] =>
    existsSync(`${offerFile}.calls`) ? readFileSync(`${offerFile}.calls`, 'utf8').split('\n').slice(0, -1) : [];

  /** What comes of calls of tools: `made`, or the kind of the refusal. The server receives those that are made, and no others. */
  async function outcomes(agent: Agent, tools: readonly string[] = Object.keys(SAID)): Promise<Record<string, string | undefined>> {
    const found: Record<string, string | undefined> = {};
    const before = received().length;
    for (const tool of tools) {
      const answer = await agent.tool(tool);
      found[tool] = answer.messages[0]?.result === undefined ? errorOf(answer).kind : 'made';
    }
    assert.deepEqual(
      received().slice(before),
      tools.filter((tool) => found[tool] === 'made'),
    );
    return found;
  }

  it('allows what reads only, if anything else is denied; silence is no reason to allow', async () => {
    const agent = await under('allows', { rules: [{ annotations: { readOnly: true }, action: 'allow' }], default: 'deny' });
    assert.deepEqual(await outcomes(agent), {
      read: 'made',
      write: 'policyDenied',
      erase: 'policyDenied',
      plain: 'policyDenied',
      titled: 'policyDenied',
      odd: 'policyDenied',
    });
  });

  it('denies what destroys, and what may destroy as far as is said', async () => {
    const agent = await under('denies', { rules: [{ annotations: { destructive: true }, action: 'deny', reason: 'Not here.' }] });
    assert.deepEqual(await outcomes(agent), {
      read: 'made',
      write: 'made',
      erase: 'policyDenied',
      plain: 'policyDenied',
      titled: 'policyDenied',
      odd: 'policyDenied',
    });
    assert.match(errorOf(await agent.tool('plain')).message, /does not allow the tool "plain" \(its rule 1\): "Not here\."/);
  });

  it('asks about what destroys, and consent counts for the tool that it is for', async () => {
    const agent = await under('asks', { rules: [{ annotations: { destructive: true }, action: 'ask' }] });
    const asked = 'callUnapproved';
    assert.deepEqual(await outcomes(agent), { read: 'made', write: 'made', erase: asked, plain: asked, titled: asked, odd: asked });
    await place.ok(['policy', 'allow', 'asks', 'erase']);
    assert.deepEqual(await outcomes(agent, ['erase', 'plain']), { erase: 'made', plain: asked });
  });

  it('takes the strictest of the rules that may be about a tool, and the first that is', async () => {
    const rules = [
      { annotations: { readOnly: true, destructive: false }, action: 'allow' },
      { tools: 'write', action: 'allow' },
      { annotations: { destructive: true }, action: 'deny' },
      { annotations: { idempotent: true }, tools: 'titled', action: 'allow' },
    ];
    const agent = await under('several', { rules, default: 'ask' });
    assert.deepEqual(await outcomes(agent), {
      read: 'made',
      write: 'made',
      erase: 'policyDenied',
      plain: 'policyDenied',
      titled: 'policyDenied',
      odd: 'policyDenied',
    });
    const other = await under('several', { rules: rules.toReversed(), default: 'ask' });
    assert.deepEqual(await outcomes(other, ['read', 'titled', 'plain']), { read: 'made', titled: 'made', plain: 'policyDenied' });
  });

  it('has nothing to go by until the tools were listed, nor for a tool that never was', async () => {
    const policy = { rules: [{ annotations: { readOnly: true }, action: 'allow' }], default: 'ask' };
    const agent = await under('unlisted', policy, false);
    const before = await outcomes(agent, ['read', 'never-listed']);
    assert.deepEqual(before, { read: 'callUnapproved', 'never-listed': 'callUnapproved' });
    await list(agent);
    assert.deepEqual(await outcomes(agent, ['read', 'never-listed']), { read: 'made', 'never-listed': 'callUnapproved' });
  });

  it('goes by what was accepted: what the server says anew counts when a person has accepted it', async () => {
    const agent = await under('changes', { rules: [{ annotations: { readOnly: true }, action: 'allow' }], default: 'deny' });
    offer({ ...SAID, erase: { readOnlyHint: true } });
    // Not in the list any more, because it is another tool than before.
    await agent.call('tools/list');
    assert.deepEqual(await outcomes(agent, ['read', 'erase']), { read: 'made', erase: 'toolChanged' });
    await place.ok(['tools', 'accept', 'changes', 'erase']);
    await until('it is accepted in the proxy, too', async () => (await agent.tool('erase')).messages[0]?.result !== undefined);
  });

  it('decides at the endpoint of all servers, too', async () => {
    const policy = { rules: [{ annotations: { readOnly: true }, action: 'allow' }], default: 'deny' };
    await under('merged', policy, false);
    const agent = new Agent(serving);
    agents.push(agent);
    await agent.initialize();
    // On a slow machine it joins after the handshake.
    await until('it has joined', async () => (await agent.call('tools/list')).body.includes('"merged__read"'));
    const kindOf = async (tool: string): Promise<string | undefined> => (await agent.tool(tool)).messages[0]?.error?.data?.kind;
    assert.deepEqual([await kindOf('merged__read'), await kindOf('merged__write')], [undefined, 'policyDenied']);
  });
});

describe('consent without an editor', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.servers({ web: { url: upstream.url, policy: { default: 'ask', rules: [{ tools: 'never', action: 'deny' }] } } }, 'web');
    agent = new Agent(await place.serve(['--new-tools', 'allow']), 'web');
    await agent.initialize();
  });

  after(async () => {
    agent.close();
    await place.close();
    await upstream.stop();
  });

  const kindOf = async (tool: string): Promise<string | undefined> => (await agent.tool(tool)).messages[0]?.error?.data?.kind;

  it('is given with `policy allow`, for one tool and one agent, and taken back', async () => {
    assert.equal(await kindOf('send'), 'callUnapproved');
    assert.match(
      await place.ok(['policy', 'allow', 'web', 'send', '--agent', 'command line']),
      /by the agent "command line" are made without asking/,
    );
    assert.equal(await kindOf('send'), undefined);
    assert.equal(await kindOf('send_all'), 'callUnapproved');
    const listed = JSON.parse(await place.ok(['policy', 'list', '--json'])) as Record<string, unknown>[];
    assert.deepEqual(
      listed.map(({ server, tool, agent: who, counts }) => [server, tool, who, counts]),
      [['web', 'send', 'command line', true]],
    );
    assert.match(await place.ok(['policy', 'list']), /web +send +command line/);
    assert.match(await place.ok(['policy', 'revoke', 'web', 'send']), /Taken back: 1/);
    assert.equal(await kindOf('send'), 'callUnapproved');
    assert.match(await place.ok(['policy', 'list']), /No calls are allowed for good/);
    assert.match(await place.ok(['policy', 'revoke', 'web']), /Nothing of that/);
    const kinds = place.auditEntries().map(({ action, actor }) => `${action} ${actor}`);
    for (const kind of ['policy.allow cli', 'policy.revoke cli']) assert.ok(kinds.includes(kind), kind);
  });

  it('for another agent is none for this one', async () => {
    await place.ok(['policy', 'allow', 'web', 'send', '--agent', 'Claude Code']);
    assert.equal(await kindOf('send'), 'callUnapproved');
    await place.ok(['policy', 'allow', 'web', 'send']);
    assert.equal(await kindOf('send'), undefined);
  });

  it('does not change what is denied, and is not for what nobody asks about', async () => {
    const { code, stderr } = await place.cli(['policy', 'allow', 'web', 'never']);
    // Its own rule denies; only the default could ask, and never does for it.
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(await kindOf('never'), 'policyDenied');
    await place.servers({ plain: { url: upstream.url } }, 'plain');
    const none = await place.cli(['policy', 'allow', 'plain', 'send']);
    assert.deepEqual([none.code, none.stderr.includes('asks about no call of the tool "send"')], [1, true]);
  });

  it('ends with a change of the policy', async () => {
    const server = (reason: string): object => ({
      web: { url: upstream.url, policy: { rules: [{ tools: 'send', action: 'ask', reason }] } },
    });
    await place.servers(server('a') as Record<string, unknown>, 'web');
    await place.ok(['policy', 'allow', 'web', 'send']);
    await agent.initialize();
    assert.equal(await kindOf('send'), undefined);
    await place.servers(server('b') as Record<string, unknown>, 'web');
    assert.match(await place.ok(['policy', 'list']), /ended: the server has changed/);
    await agent.initialize();
    assert.equal(await kindOf('send'), 'callUnapproved');
  });

  it('cannot be given over the proxy', async () => {
    const { port, token } = await place.serve();
    const tried = ['/policy/allow', '/grants', '/mcp/web/policy', '/mcp/web/../../policy'];
    for (const path of tried) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const outgoing = request(
          {
            host: '127.0.0.1',
            port,
            path,
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        );
        outgoing.on('error', reject);
        outgoing.end('{"server":"web","tool":"send"}');
      });
      assert.equal(status, 404, path);
    }
  });
});

describe('secrets that are for certain tools only', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const wide = newPlainCanary();
  const narrow = newPlainCanary();
  let upstream: ScriptedUpstream;
  let serving: Serving;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('WIDE', wide);
    await place.secret('NARROW', narrow);
    serving = await place.serve(['--new-tools', 'allow']);
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  it('go with calls of these tools, and with nothing else', async () => {
    const secrets = { WIDE: { as: 'header', name: 'X-Wide' }, NARROW: { as: 'header', name: 'X-Narrow', tools: ['get_*', 'list'] } };
    await place.servers({ web: { url: upstream.url, secrets } }, 'web');
    const agent = new Agent(serving, 'web');
    await agent.initialize();
    await agent.call('tools/list');
    for (const tool of ['get_a', 'list', 'set_a', 'GET_A', 'lists']) await agent.tool(tool);
    await agent.call('tools/call', { name: ['get_a'] });
    await agent.call('prompts/get', { name: 'get_a' });
    for (const { headers, message } of upstream.received) {
      const name = message?.method === 'tools/call' ? message.params?.name : undefined;
      assert.equal(headers['x-narrow'], name === 'get_a' || name === 'list' ? narrow : undefined, JSON.stringify(message));
      assert.equal(headers['x-wide'], wide);
    }
    const [line] = await place.audited(1, ({ tool }) => tool === 'get_a');
    assert.deepEqual(line?.secrets, ['WIDE', 'NARROW']);
    assert.deepEqual((await place.audited(1, ({ tool }) => tool === 'set_a'))[0]?.secrets, ['WIDE']);
    agent.close();
  });

  it('go with a batch only if all of it is for these tools', async () => {
    const agent = new Agent(serving, 'web');
    await agent.initialize();
    const call = (id: number, name: string): object => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });
    await agent.post([call(1, 'get_a'), call(2, 'set_a')]);
    assert.equal(upstream.received.at(-1)?.headers['x-narrow'], undefined);
    await agent.post([call(1, 'get_a'), call(2, 'get_b')]);
    assert.equal(upstream.received.at(-1)?.headers['x-narrow'], narrow);
    agent.close();
  });

  it('that are missing keep nothing else from working', async () => {
    await place.servers({ web: { url: upstream.url, secrets: { GONE: { as: 'bearer', tools: 'x' } } } }, 'web');
    const agent = new Agent(serving, 'web');
    await agent.initialize();
    assert.ok((await agent.tool('y')).messages[0]?.result !== undefined);
    assert.equal((await agent.tool('x')).messages[0]?.error?.data?.kind, 'secretMissing');
    agent.close();
  });

  it('go into the body of calls to a child', async () => {
    const [command = '', ...args] = scripted();
    for (const [tools, given] of [
      [['other', 'PARAMS'], false],
      [['other', 'par*'], true],
    ] as const) {
      await place.servers({ child: { command, args, secrets: { NARROW: { as: 'body', tools } } } }, 'child');
      const agent = new Agent(serving, 'child');
      await agent.initialize();
      const { body } = await agent.tool('params');
      assert.equal(body.includes('mcp-secrets/secrets'), given, body);
      agent.close();
    }
  });

  it('cannot be variables of a process', async () => {
    const [command = '', ...args] = scripted();
    await place.servers({ child: { command, args, secrets: { NARROW: { as: 'env', tools: ['get_*'] } } } });
    const { code, stderr } = await place.cli(['server', 'approve', 'child']);
    assert.equal(code, 1);
    assert.match(stderr, /cannot be for certain tools only\. Use the mode "body"/);
  });
});
