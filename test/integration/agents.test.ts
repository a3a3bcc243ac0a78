import assert from 'node:assert/strict';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { until } from './support/eventually';
import { isRunning } from './support/processes';
import { scripted, textOf, valueOf } from './support/scripted';
import type { OwnEnvironment } from './support/scripted';
import type { Serving } from './support/serving';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

interface Added {
  readonly agent: string;
  readonly id: string;
  readonly token: string;
  readonly expiresAt?: string;
  readonly servers?: readonly string[];
}

interface Listed {
  readonly agents: readonly {
    readonly agent: string;
    readonly servers?: readonly string[];
    readonly client?: string;
    readonly tokens: readonly {
      readonly id: string;
      readonly expiresAt?: string;
      readonly expired?: boolean;
      readonly lastUsedAt?: string;
    }[];
  }[];
}

describe('agents', function () {
  this.timeout(120_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;
  let serving: Serving;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.addHttp('web', upstream.url);
    await place.addStdio('local', scripted());
    serving = await place.serve();
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  async function add(agent: string, ...options: string[]): Promise<Added> {
    const added = JSON.parse(await place.ok(['agent', 'add', agent, ...options, '--json'])) as Added;
    place.watch(added.token);
    return added;
  }

  /** An agent with its own token. */
  function as({ token }: Pick<Added, 'token'>, server: string): Agent {
    return new Agent({ port: serving.port, socket: serving.socket, token }, server);
  }

  async function listed(): Promise<Listed['agents']> {
    return (JSON.parse(await place.ok(['agent', 'list', '--json'])) as Listed).agents;
  }

  it('get a lasting token that a proxy which already runs accepts, and another one after it', async () => {
    const added = await add('Claude Code');
    assert.match(added.token, /^[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(Object.keys(added), ['agent', 'id', 'token']);
    const agent = as(added, 'web');
    await agent.initialize();
    assert.equal(textOf(await agent.tool('do')), 'done');
    const second = await place.serve();
    const elsewhere = new Agent({ port: second.port, socket: second.socket, token: added.token }, 'web');
    assert.equal((await elsewhere.initialize()).status, 200);
    await second.stop();
    const [call] = await place.audited(1, ({ action, agent: name }) => action === 'call' && name === 'Claude Code');
    assert.equal(call?.server, 'web');
    agent.close();
    elsewhere.close();
  });

  it('get a token that is printed once and is nowhere else', async () => {
    const token = (await place.ok(['agent', 'add', 'Scripts'])).trimEnd();
    place.watch(token);
    const agent = as({ token }, 'web');
    assert.equal((await agent.initialize()).status, 200);
    agent.close();
    const text = `${await place.ok(['agent', 'list'])}${JSON.stringify(await listed())}${JSON.stringify(place.auditEntries())}`;
    assert.ok(!text.includes(token));
  });

  it('are listed with what they say of themselves and when they came, once the proxy has told', async () => {
    const added = await add('Told');
    const own = await place.serve();
    const agent = new Agent({ port: own.port, socket: own.socket, token: added.token }, 'web');
    await agent.initialize();
    agent.close();
    await own.stop();
    const info = (await listed()).find(({ agent: name }) => name === 'Told');
    assert.deepEqual([info?.client, info?.tokens.length, info?.tokens[0]?.id], ['raw 1', 1, added.id]);
    assert.ok(Date.parse(info?.tokens[0]?.lastUsedAt ?? '') > 0);
    assert.match(await place.ok(['agent', 'list']), new RegExp(`^Told +all +raw 1 +${added.id} +20\\d\\d-.* never +20\\d\\d-`, 'm'));
  });

  it('may be limited to servers; the refusal is an error to the call, says why, and is audited', async () => {
    const added = await add('Limited', '--server', 'local', '--server', 'web');
    assert.deepEqual(added.servers, ['local', 'web']);
    const web = as(added, 'web');
    assert.equal((await web.initialize()).status, 200);
    const stream = await Stream.open(web);
    await place.ok(['agent', 'allow', 'Limited', '--server', 'local']);
    const refused = await web.tool('do');
    const error = refused.messages[0]?.error;
    assert.deepEqual([refused.status, error?.code, error?.data?.kind], [200, -32000, 'serverNotForAgent']);
    assert.match(error?.message ?? '', /The agent "Limited" may not use server "web". Nothing was sent to it./);
    await until('the stream ends', () => stream.response.readableEnded || stream.response.destroyed);
    assert.equal((await web.send('GET')).status, 403);
    assert.equal((await web.send('DELETE')).status, 403);
    const [entry] = await place.audited(1, ({ errorKind, action }) => errorKind === 'serverNotForAgent' && action === 'call');
    assert.deepEqual([entry?.agent, entry?.server, entry?.outcome], ['Limited', 'web', 'refused']);
    const nowhere = as(added, 'no-such-server');
    assert.equal(
      (await nowhere.call('ping')).messages[0]?.error?.data?.kind,
      'serverNotForAgent',
      'it is not told which servers there are',
    );
    await place.ok(['agent', 'allow', 'Limited', '--all']);
    web.session = undefined;
    assert.equal((await web.initialize()).status, 200);
    for (const agent of [web, nowhere]) agent.close();
  });

  it('that are limited get only their servers at the endpoint for all of them', async () => {
    const added = await add('Narrow', '--server', 'local');
    const agent = as(added, 'local');
    const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
    const send = async (method: string, params: object, headers: Record<string, string> = {}): Promise<Answer> =>
      agent.send('POST', JSON.stringify({ jsonrpc: '2.0', id: method, method, params }), headers, '/mcp');
    const session = { 'mcp-session-id': String((await send('initialize', initialize)).headers['mcp-session-id']) };
    const before = upstream.received.length;
    const listed = (await send('tools/list', {}, session)).body;
    assert.ok(!listed.includes('web'), listed);
    const called = await send('tools/call', { name: 'web_do', arguments: {} }, session);
    assert.ok(
      called.messages.some(({ id, error }) => id === 'tools/call' && error !== undefined),
      called.body,
    );
    assert.equal(upstream.received.length, before);
    // The proxy looks at what is open once a second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal((await send('tools/list', {}, session)).status, 200, 'its session goes on');
    agent.close();
  });

  it('have tokens that expire; the record tells them from wrong ones and names the agent', async () => {
    const moment = new Date(Date.now() + 20_000).toISOString();
    const added = await add('Brief', '--expires', moment);
    assert.equal(added.expiresAt, moment);
    const agent = as(added, 'local');
    await agent.initialize();
    const { pid } = valueOf(await agent.tool('env')) as OwnEnvironment;
    await until('it expires', async () => (await agent.call('ping')).status === 401);
    const answer = await agent.call('ping');
    assert.equal(answer.messages[0]?.error?.data?.kind, 'tokenExpired');
    assert.match(answer.messages[0].error.message, /This token of the agent "Brief" expired on 20.*agent add/);
    assert.equal(answer.headers['www-authenticate'], 'Bearer realm="mcp-secrets"');
    await until('its child ends', () => !isRunning(pid));
    await until('it is audited', () =>
      place.auditEntries().some(({ errorKind, agent: name }) => errorKind === 'tokenExpired' && name === 'Brief'),
    );
    assert.equal((await listed()).find((info) => info.agent === 'Brief')?.tokens[0]?.expired, true);
    agent.close();
  });

  it('lose one token by its id, and go on with the other', async () => {
    const [one, two] = [await add('Twice'), await add('Twice')];
    const [first, second] = [as(one, 'local'), as(two, 'local')];
    await first.initialize();
    const { pid } = valueOf(await first.tool('env')) as OwnEnvironment;
    await place.ok(['agent', 'revoke', 'Twice', '--token', one.id]);
    assert.equal((await first.call('ping')).messages[0]?.error?.data?.kind, 'tokenWrong');
    second.session = first.session;
    assert.equal((valueOf(await second.tool('env')) as OwnEnvironment).pid, pid, 'the session is the agent’s');
    for (const agent of [first, second]) agent.close();
  });

  it('lose everything with the last token: open calls are answered, streams end, children end', async () => {
    const added = await add('Gone');
    const [local, web] = [as(added, 'local'), as(added, 'web')];
    await Promise.all([local.initialize(), web.initialize()]);
    const { pid } = valueOf(await local.tool('env')) as OwnEnvironment;
    const stream = await Stream.open(local);
    const hanging = local.tool('hang');
    upstream.script = ({ message }) => message?.params?.name === 'slow';
    const slow = web.tool('slow');
    await until('both calls are under way', () => upstream.of('tools/call').some(({ message }) => message?.params?.name === 'slow'));
    await place.ok(['agent', 'revoke', 'Gone']);
    for (const answer of await Promise.all([hanging, slow])) assert.equal(answer.messages[0]?.error?.data?.kind, 'tokenWrong');
    await until('the stream ends', () => stream.response.readableEnded || stream.response.destroyed);
    await until('the child ends', () => !isRunning(pid));
    await until('the server is told', () => upstream.received.some(({ method }) => method === 'DELETE'));
    assert.equal((await local.call('ping')).status, 401);
    const again = as(await add('Gone'), 'local');
    again.session = local.session;
    assert.equal(
      (await again.call('ping')).messages[0]?.error?.data?.kind,
      'sessionUnknown',
      'a new token does not bring the session back',
    );
    for (const agent of [local, web, again]) agent.close();
    upstream.reset();
  });

  it('cannot use the session of another one: not to call, listen or end, by neither entrance', async () => {
    const [owner, stranger] = [as(await add('Owner'), 'local'), await add('Stranger')];
    await owner.initialize();
    const { pid } = valueOf(await owner.tool('env')) as OwnEnvironment;
    for (const socket of [false, true]) {
      const thief = new Agent({ port: serving.port, socket: serving.socket, token: stranger.token }, 'local', { socket });
      thief.session = owner.session;
      for (const method of ['POST', 'GET', 'DELETE']) {
        const body = method === 'POST' ? '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"exit"}}' : undefined;
        const answer = await thief.send(method, body);
        assert.deepEqual([answer.status, answer.messages[0]?.error?.data?.kind], [404, 'sessionUnknown'], method);
      }
      thief.close();
    }
    assert.equal((valueOf(await owner.tool('env')) as OwnEnvironment).pid, pid, 'its owner goes on');
    owner.close();
  });

  it('are refused with a sentence when the command line is wrong', async () => {
    const wrong: [string[], number, RegExp][] = [
      [['agent', 'add', 'VS Code'], 1, /cannot be the name of an agent/],
      [['agent', 'add', 'a\nb'], 1, /cannot be the name of an agent/],
      [['agent', 'add', 'x', '--server', 'nope'], 1, /There is no server "nope"/],
      [['agent', 'add', 'x', '--expires', 'soon'], 2, /--expires takes a span/],
      [['agent', 'add', 'x', '--expires', '2001-01-01'], 2, /--expires takes a span/],
      [['agent', 'add'], 2, /needs a name/],
      [['agent', 'revoke', 'nobody'], 1, /There is no agent "nobody"/],
      [['agent', 'revoke', 'Twice', '--token', 'ffffffff'], 1, /has no token ffffffff/],
      [['agent', 'allow', 'Twice'], 2, /Give --server S, or --all/],
      [['agent', 'allow', 'Twice', '--all', '--server', 'web'], 2, /Give --server S, or --all/],
      [['agent', 'allow', 'Twice', '--server', 'nope'], 1, /There is no server "nope"/],
    ];
    for (const [args, code, message] of wrong) {
      const finished = await place.cli(args);
      assert.deepEqual([finished.code, finished.stdout], [code, ''], args.join(' '));
      assert.match(finished.stderr, message);
    }
    assert.ok(!(await listed()).some(({ agent }) => agent === 'x'));
  });

  it('need new tokens after a panic, also those that last', async () => {
    const added = await add('Panicked', '--server', 'web');
    await place.ok(['panic']);
    await place.ok(['unlock']);
    const agent = as(added, 'web');
    assert.equal((await agent.call('ping')).status, 401);
    const after = await listed();
    assert.deepEqual(after.find((info) => info.agent === 'Panicked')?.servers, ['web'], 'what it may use is still known');
    assert.ok(after.every(({ tokens }) => tokens.length === 0));
    agent.close();
  });
});
