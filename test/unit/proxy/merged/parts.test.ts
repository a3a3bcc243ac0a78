import * as assert from 'node:assert/strict';
import { allServers, isAll, modeIn, nameOfAll } from '../../../../src/proxy/merged/allServers';
import { helloResult } from '../../../../src/proxy/merged/hello';
import { Members } from '../../../../src/proxy/merged/members';
import type { Offer } from '../../../../src/proxy/merged/members';
import { Mentions } from '../../../../src/proxy/merged/mentions';
import { mayStay } from '../../../../src/proxy/merged/offers';
import { wholeList } from '../../../../src/proxy/merged/pages';
import { calledTool } from '../../../../src/proxy/merged/searchTools';
import { SERVER_NAME } from '../../../../src/bindings/schema';

describe('the parts of the endpoint for all servers', () => {
  it('its names are those of no server', () => {
    for (const query of ['', 'mode=all', 'mode=search', 'x=1']) {
      const name = nameOfAll(query) ?? '';
      assert.ok(isAll(name) && !SERVER_NAME.test(name), query);
      assert.deepEqual(allServers(name).bindings, []);
    }
    assert.equal(modeIn(nameOfAll('mode=search') ?? ''), 'search');
    assert.equal(modeIn(nameOfAll('') ?? ''), undefined);
    for (const query of ['mode=', 'mode=none', 'mode=__proto__', 'mode=constructor'])
      assert.equal(nameOfAll(query)?.length, query === 'mode=' ? 1 : undefined);
    assert.ok(!isAll('github'));
  });

  it('capabilities are the union, and what joins later may bring more', () => {
    const member = (capabilities: Record<string, unknown>): Parameters<typeof helloResult>[1][number] => ({
      server: 's',
      capabilities,
      instructions: undefined,
    });
    const of = (...args: Parameters<typeof helloResult>): unknown => helloResult(...args).capabilities;
    const members = [
      member({ tools: {}, experimental: { a: {} } }),
      member({ tools: 'nonsense', resources: { subscribe: true }, experimental: { b: {} }, tasks: { list: {} } }),
    ];
    assert.deepEqual(of({}, members, [], false), {
      tools: { listChanged: true },
      experimental: { a: {}, b: {} },
      resources: { subscribe: true, listChanged: true },
      tasks: { list: {} },
      logging: {},
    });
    const later = of({}, [], [{ server: 'x', reason: 'x' }], false) as Record<string, unknown>;
    assert.deepEqual(Object.keys(later).sort(), ['completions', 'logging', 'prompts', 'resources', 'tools']);
  });

  it('answers in the version of the agent, or the latest of its era', () => {
    assert.equal(helloResult({ protocolVersion: '2025-03-26' }, [], [], false).protocolVersion, '2025-03-26');
    assert.equal(helloResult({ protocolVersion: '1999-01-01' }, [], [], false).protocolVersion, '2025-11-25');
    assert.equal(helloResult(undefined, [], [], false).protocolVersion, '2025-11-25');
  });

  it('a list without an end is given up', async () => {
    let pages = 0;
    const endless = wholeList('s', 'tools', () => {
      pages += 1;
      return Promise.resolve({ jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'x' }], nextCursor: 'again' } });
    });
    await assert.rejects(endless, { kind: 'upstreamNonsense' });
    assert.ok(pages < 1_000);
  });

  it('a list is read page by page, without what is no item', async () => {
    const results = [{ tools: [{ name: 'a' }, null, 7, ['x']], nextCursor: 'n' }, { tools: [{ name: 'b' }] }];
    const cursors: unknown[] = [];
    const items = await wholeList('s', 'tools', (cursor) => {
      cursors.push(cursor);
      return Promise.resolve({ jsonrpc: '2.0', id: 1, result: results.shift() });
    });
    assert.deepEqual(
      [items, cursors],
      [
        [{ name: 'a' }, { name: 'b' }],
        [undefined, 'n'],
      ],
    );
    assert.deepEqual(await wholeList('s', 'tools', () => Promise.resolve({ jsonrpc: '2.0', id: 1, result: null })), []);
    const refused = wholeList('s', 'tools', () => Promise.resolve({ jsonrpc: '2.0', id: 1, error: { message: 'no' } }));
    await assert.rejects(refused, { kind: 'listFailed', message: 'Server "s" does not list its tools: no. Check the server\'s own log.' });
  });

  it('while nothing is known of servers, no reason is told of one that may not stay', () => {
    const refused = (server: string): Offer => ({ server, plan: '', failing: false, refusal: `"${server}" is not approved.` });
    let offers: Offer[] | undefined = ['a', 'b'].map(refused);
    let allowed = ['a', 'b'];
    const members = new Members({
      offers: () => offers,
      mayStay: (server) => mayStay('agent', server, { mayUse: (_agent, name) => allowed.includes(name) }),
      patienceMs: 1,
      branchOf: () => assert.fail('none is offered'),
      left: () => undefined,
    });
    const told = (): string[] => {
      members.review();
      return members.skipped().map(({ server }) => server);
    };
    assert.deepEqual(told(), ['a', 'b']);
    offers = undefined;
    assert.deepEqual(told(), ['a', 'b']);
    allowed = ['a'];
    assert.deepEqual(told(), ['a']);
  });

  it('URIs are remembered wherever they stand, but not without end', () => {
    const mentions = new Mentions();
    mentions.learn({
      content: [{ type: 'resource_link', uri: 'a:1' }],
      _meta: { 'ui/resourceUri': 'ui://x', ui: { resourceUri: 'ui://y' } },
      uri: 7,
    });
    for (const uri of ['a:1', 'ui://x', 'ui://y']) assert.ok(mentions.has(uri), uri);
    let deep: unknown = { uri: 'deep:1' };
    for (let i = 0; i < 10_000; i += 1) deep = [deep];
    mentions.learn(deep);
    assert.ok(!mentions.has('deep:1'));
    mentions.learn(Array.from({ length: 5_000 }, (_, i) => ({ uri: `n:${String(i)}` })));
    assert.ok(mentions.has('n:0') && !mentions.has('a:1'));
  });

  it('what is called in search mode is the call with the name and arguments of the other tool', () => {
    const params = { name: 'call_tool', arguments: { name: 'a__b', arguments: { x: 1 } }, _meta: { progressToken: 7 } };
    assert.deepEqual(calledTool(params), { name: 'a__b', arguments: { x: 1 }, _meta: { progressToken: 7 } });
    assert.deepEqual(calledTool({ arguments: { name: 'a__b', arguments: '{"x":1}' } }), { name: 'a__b', arguments: { x: 1 } });
    assert.deepEqual(calledTool({ arguments: { name: 'a__b' } }), { name: 'a__b' });
    for (const hostile of [undefined, null, 7, [], { arguments: [] }]) assert.equal(calledTool(hostile).name, '');
  });
});
