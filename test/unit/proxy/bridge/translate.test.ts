import assert from 'node:assert/strict';
import fc from 'fast-check';
import { META } from '../../../../src/proxy/bridge/era';
import {
  filterFor,
  helloOf,
  initializeResult,
  toLegacyNotification,
  toLegacyResult,
  toModernRequest,
} from '../../../../src/proxy/bridge/forLegacyAgent';
import {
  accepts,
  discoverResult,
  honored,
  initializeRequest,
  toLegacyRequest,
  toModernAnswer,
  toModernNotification,
} from '../../../../src/proxy/bridge/forModernAgent';
import type { Message, Request } from '../../../../src/proxy/jsonRpc';

const request = (method: string, params?: unknown): Request => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  ...(params === undefined ? {} : { params }),
});
const hello = { capabilities: { roots: {}, tasks: { list: {} } }, client: { name: 'a', version: '1' } };

/** Fields that no revision knows, names from the prototype of objects among them. */
const unknown = fc.dictionary(
  fc.oneof(fc.constantFrom('x', '__proto__', 'constructor', 'a b'), fc.string()).filter((key) => !KNOWN.has(key)),
  fc.jsonValue(),
  { noNullPrototype: true },
);
const KNOWN = new Set([
  '_meta',
  'resultType',
  'ttlMs',
  'cacheScope',
  'structuredContent',
  'content',
  'tools',
  'inputResponses',
  'requestState',
]);
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('translation between the eras', () => {
  it('fields that are unknown survive in requests, both ways', () => {
    fc.assert(
      fc.property(unknown, unknown, (params, meta) => {
        const given = asJson(request('any/thing', { ...params, _meta: meta }));
        const modern = toModernRequest(given as Request, 'id', hello).params as Record<string, unknown>;
        const legacy = toLegacyRequest(given as Request, 'id').params as Record<string, unknown>;
        const expected = (given as { params: Record<string, unknown> }).params;
        for (const [key, value] of Object.entries(expected)) {
          if (key === '_meta') continue;
          assert.deepEqual(modern[key], value);
          assert.deepEqual(legacy[key], value);
        }
        for (const [key, value] of Object.entries(expected._meta as object)) {
          if (Object.values<string>(META).includes(key) || key === 'progressToken') continue;
          assert.deepEqual((modern._meta as Record<string, unknown>)[key], value);
          assert.deepEqual((legacy._meta as Record<string, unknown>)[key], value);
        }
      }),
    );
  });

  it('fields that are unknown survive in results, both ways', () => {
    fc.assert(
      fc.property(fc.constantFrom('tools/call', 'tools/list', 'resources/read', 'any/thing'), unknown, unknown, (method, fields, meta) => {
        const result = asJson({ ...fields, _meta: meta }) as Record<string, unknown>;
        const legacy = toLegacyResult(method, { ...result, resultType: 'complete', ttlMs: 5, cacheScope: 'public' });
        assert.deepEqual(legacy, result);
        const modern = toModernAnswer({ jsonrpc: '2.0', id: 'own', result }, request(method), undefined).result as Record<string, unknown>;
        for (const [key, value] of Object.entries(result)) assert.deepEqual(modern[key], value);
        assert.equal(modern.resultType, 'complete');
      }),
    );
  });

  it('nothing in a message can change the prototype of anything', () => {
    const evil = JSON.parse(
      '{"jsonrpc":"2.0","id":1,"method":"x","params":{"__proto__":{"evil":1},"_meta":{"__proto__":{"evil":1}}}}',
    ) as Request;
    const results = [
      toModernRequest(evil, 2, hello),
      toLegacyRequest(evil, 2),
      toLegacyResult('x', evil.params),
      toLegacyNotification(evil),
    ];
    for (const result of results) {
      assert.equal((result as { evil?: unknown }).evil, undefined);
      assert.equal(((result as Request).params as { evil?: unknown } | undefined)?.evil, undefined);
    }
    assert.equal(({} as { evil?: unknown }).evil, undefined);
  });

  it('whatever stands where an object should be is no reason to fail', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const odd = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: value } as Request;
        helloOf(odd);
        toModernRequest(odd, 2, hello);
        toLegacyRequest(odd, 2);
        toLegacyNotification(odd);
        initializeResult(odd, value, 'one');
        discoverResult(value);
        for (const method of ['tools/list', 'tools/call']) {
          toLegacyResult(method, value);
          toLegacyResult(method, { tools: value, content: value, structuredContent: value });
          toModernAnswer({ jsonrpc: '2.0', id: 1, result: value }, request(method), value);
          toModernAnswer({ jsonrpc: '2.0', id: 1, error: value ?? {} }, request(method), value);
        }
        accepts({ resourceSubscriptions: value }, odd);
        honored({ resourceSubscriptions: value, toolsListChanged: value }, { resources: value });
      }),
    );
  });

  it('a request for a modern server says who asks, without what the era does not know', () => {
    const { params } = toModernRequest(request('tools/list'), 2, hello, 'error');
    assert.deepEqual(params, {
      _meta: { [META.version]: '2026-07-28', [META.client]: hello.client, [META.capabilities]: { roots: {} }, [META.logLevel]: 'error' },
    });
  });

  it('a request for a legacy server says nothing of this era; progress goes by our id', () => {
    const meta = {
      [META.version]: '2026-07-28',
      [META.capabilities]: {},
      [META.client]: {},
      [META.logLevel]: 'debug',
      progressToken: 7,
      traceparent: 't',
    };
    assert.deepEqual(toLegacyRequest(request('tools/call', { name: 'x', _meta: meta }), 'own').params, {
      name: 'x',
      _meta: { progressToken: 'own', traceparent: 't' },
    });
    assert.deepEqual(toLegacyRequest(request('tools/list', { _meta: { [META.version]: 'v' } }), 'own').params, {});
  });

  it('handshakes and descriptions stand for each other', () => {
    const discovered = {
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {} },
      instructions: 'go',
      _meta: { [META.server]: { name: 's', version: '2' } },
    };
    const wanted = (protocolVersion: string): unknown => initializeResult(request('initialize', { protocolVersion }), discovered, 'one');
    assert.deepEqual(wanted('2025-03-26'), {
      protocolVersion: '2025-03-26',
      capabilities: { tools: {} },
      serverInfo: { name: 's', version: '2' },
      instructions: 'go',
    });
    assert.equal((wanted('2026-07-28') as { protocolVersion: string }).protocolVersion, '2025-11-25');
    assert.deepEqual(discoverResult({ protocolVersion: '2025-06-18', capabilities: { tools: {}, tasks: {} }, instructions: 'go' }), {
      supportedVersions: ['2026-07-28', '2025-06-18'],
      capabilities: { tools: {} },
      instructions: 'go',
    });
    const { params } = initializeRequest(1, {
      version: '2026-07-28',
      capabilities: { elicitation: {} },
      client: undefined,
      logLevel: undefined,
    });
    assert.deepEqual(params, {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {} },
      clientInfo: { name: 'agent', version: '0' },
    });
  });

  it('structured content that is no object becomes text for a legacy agent', () => {
    assert.deepEqual(toLegacyResult('tools/call', { resultType: 'complete', content: [], structuredContent: [1, 2] }), {
      content: [{ type: 'text', text: '[1,2]' }],
    });
    const told = [{ type: 'text', text: 'one and two' }];
    assert.deepEqual(toLegacyResult('tools/call', { content: told, structuredContent: [1, 2] }), { content: told });
    const tools = [
      { name: 'a', outputSchema: { type: 'array' } },
      { name: 'b', outputSchema: { type: 'object' } },
    ];
    assert.deepEqual(toLegacyResult('tools/list', { tools }), { tools: [{ name: 'a' }, tools[1]] });
  });

  it('a result for a modern agent may not be kept, and says who gave it', () => {
    const answer = toModernAnswer({ jsonrpc: '2.0', id: 'own', result: { tools: [], _meta: { kept: 1 } } }, request('tools/list'), {
      name: 's',
    });
    assert.deepEqual(answer, {
      jsonrpc: '2.0',
      id: 1,
      result: { tools: [], resultType: 'complete', ttlMs: 0, cacheScope: 'private', _meta: { [META.server]: { name: 's' }, kept: 1 } },
    });
    const error = { code: -32002, message: 'no', data: { uri: 'x' } };
    assert.deepEqual(toModernAnswer({ jsonrpc: '2.0', id: 'own', error }, request('resources/read'), undefined).error, {
      ...error,
      code: -32602,
    });
  });

  it('subscriptions: what an agent hears of is what it asked for and the server can', () => {
    const capabilities = { tools: { listChanged: true }, prompts: {}, resources: { subscribe: true } };
    assert.deepEqual(filterFor(capabilities, []), { toolsListChanged: true });
    assert.deepEqual(filterFor({}, ['a']), { resourceSubscriptions: ['a'] });
    assert.equal(filterFor({}, []), undefined);
    const asked = { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ['a', 1], other: true };
    assert.deepEqual(honored(asked, capabilities), { toolsListChanged: true, resourceSubscriptions: ['a'] });
    assert.deepEqual(honored(asked, {}), {});
    const updated: Message = { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'a' } };
    assert.equal(accepts({ resourceSubscriptions: ['a'] }, updated), true);
    assert.equal(accepts({ resourceSubscriptions: ['b'] }, updated), false);
    assert.equal(accepts({ toolsListChanged: true }, updated), false);
    assert.deepEqual(toLegacyNotification(toModernNotification(updated, 5)), updated);
    const bare: Message = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
    assert.deepEqual(toLegacyNotification(toModernNotification(bare, 5)), bare);
  });
});
