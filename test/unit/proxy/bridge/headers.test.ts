import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkEra, standardHeaders } from '../../../../src/proxy/bridge/headers';
import { decodeHeaderValue, encodeHeaderValue } from '../../../../src/proxy/bridge/headerValue';
import { checkParamHeaders, deriveParamHeaders, paramHeaders } from '../../../../src/proxy/bridge/paramHeaders';
import { toModernRequest } from '../../../../src/proxy/bridge/forLegacyAgent';
import { isSecretsError } from '../../../../src/shared/errors';

const hello = { capabilities: {}, client: { name: 'a', version: '1' } };

describe('values of headers', () => {
  it('any text comes back, and is a value that HTTP can carry', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const value = encodeHeaderValue(text);
        assert.match(value, /^[\t\x20-\x7e]+$/);
        assert.equal(value.trim(), value);
        assert.equal(decodeHeaderValue(value), text);
      }),
    );
  });

  for (const [text, value] of [
    ['us-west1', 'us-west1'],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
  ] as const)
    it(`as in the specification: ${JSON.stringify(text)}`, () => {
      assert.equal(encodeHeaderValue(text), value);
    });

  it('what is not encoded correctly has no value', () => {
    for (const value of ['=?base64?x?=', '=?base64?/w==?=', '=?base64?YQ?=', '=?base64?YR==YR==?='])
      assert.equal(decodeHeaderValue(value), undefined, value);
  });
});

describe('headers that repeat the body', () => {
  it('those of our own requests are what is checked', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('tools/call', 'prompts/get', 'resources/read', 'tools/list', 'x/y'),
        fc.string({ unit: 'grapheme' }),
        (method, name) => {
          const request = toModernRequest({ jsonrpc: '2.0', id: 1, method, params: { name, uri: name } }, 1, hello);
          checkEra(standardHeaders(request), [request]);
        },
      ),
    );
  });

  it('any other name is refused', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, other) => {
        fc.pre(name !== other);
        const request = toModernRequest({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } }, 1, hello);
        assert.throws(
          () => {
            checkEra({ ...standardHeaders(request), 'mcp-name': encodeHeaderValue(other) }, [request]);
          },
          (error: unknown) => isSecretsError(error, 'headerMismatch'),
        );
      }),
    );
  });

  it('messages of the era before are not looked at', () => {
    checkEra({ 'mcp-method': 'anything' }, [{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } }]);
    checkEra({ 'mcp-protocol-version': '2025-11-25' }, [
      { jsonrpc: '2.0', id: 1, result: {} },
      { jsonrpc: '2.0', id: 2, method: 'ping' },
    ]);
  });
});

describe('arguments that are repeated in headers', () => {
  const schema = (properties: object): object => ({ type: 'object', properties });
  const text = (name: unknown): object => ({ type: 'string', 'x-mcp-header': name });

  it('are found at any depth of properties', () => {
    const found = paramHeaders(schema({ a: text('A'), deep: schema({ b: { type: 'integer', 'x-mcp-header': 'B' } }) }));
    assert.deepEqual(found?.toSorted((x, y) => (x.name < y.name ? -1 : 1)), [
      { path: ['a'], name: 'A' },
      { path: ['deep', 'b'], name: 'B' },
    ]); // prettier-ignore
    assert.deepEqual(paramHeaders(schema({ 'x-mcp-header': { type: 'string' } })), []);
    assert.deepEqual(paramHeaders(undefined), []);
  });

  for (const [what, wrong] of [
    ['an empty name', schema({ a: text('') })],
    ['a name that is no token', schema({ a: text('A B') })],
    ['a line break', schema({ a: text('A\r\nX: y') })],
    ['a name that is no text', schema({ a: text(1) })],
    ['two of the same name', schema({ a: text('A'), b: text('a') })],
    ['a number', schema({ a: { type: 'number', 'x-mcp-header': 'A' } })],
    ['no type', schema({ a: { 'x-mcp-header': 'A' } })],
    ['the root', { type: 'object', 'x-mcp-header': 'A' }],
    ['items', schema({ a: { type: 'array', items: text('A') } })],
    ['a choice', schema({ a: { oneOf: [text('A')] } })],
    ['definitions', { ...schema({}), $defs: { a: text('A') } }],
  ] as const)
    it(`may not be declared with ${what}`, () => {
      assert.equal(paramHeaders(wrong), undefined);
    });

  it('a schema that is nested without end is refused, not followed', () => {
    let deep: object = { type: 'string' };
    for (let i = 0; i < 100_000; i += 1) deep = { type: 'object', properties: { a: deep } };
    assert.equal(paramHeaders(deep), undefined);
  });

  it('what is derived passes the check, and holds nothing but arguments', () => {
    const args = fc.record({ s: fc.string({ unit: 'grapheme' }), n: fc.integer(), b: fc.boolean(), d: fc.record({ s: fc.string() }) });
    const wanted = paramHeaders(
      schema({
        s: text('S'),
        n: { type: 'integer', 'x-mcp-header': 'N' },
        b: { type: 'boolean', 'x-mcp-header': 'B' },
        d: schema({ s: text('D') }),
      }),
    );
    fc.assert(
      fc.property(args, (given) => {
        const headers = deriveParamHeaders(wanted ?? [], given);
        assert.equal(Object.keys(headers).length, 4);
        checkParamHeaders(headers, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', arguments: given } });
        assert.equal(decodeHeaderValue(headers['mcp-param-s'] ?? ''), given.s);
      }),
    );
  });

  it('null, what is missing, and what is no simple value gets no header', () => {
    const wanted = [{ path: ['a'], name: 'A' }, { path: ['constructor'], name: 'C' }, { path: ['__proto__', 'x'], name: 'P' }]; // prettier-ignore
    for (const a of [null, undefined, {}, [], 2 ** 60]) assert.deepEqual(deriveParamHeaders(wanted, { a }), {});
  });

  it('a text that is in no argument is refused', () => {
    const message = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'secret', _meta: { s: 'secret' }, arguments: { list: ['secret'] } },
    } as const;
    assert.throws(
      () => {
        checkParamHeaders({ 'mcp-param-x': 'secret' }, message);
      },
      (error: unknown) => isSecretsError(error, 'headerMismatch'),
    );
  });
});
