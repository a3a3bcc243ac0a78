import assert from 'node:assert/strict';
import fc from 'fast-check';
import { outlineOf } from '../../../src/proxy/jsonOutline';
import { atOnce } from '../../../src/shared/steps';
import { anyJson } from '../support/arbitraries';

const WANTED = new Set(['id', 'method', 'result', 'result.isError', 'error.code']);

/** The values at the wanted places; `undefined` if the text is not JSON. */
function read(text: string): Record<string, unknown> | undefined {
  const outline = atOnce(outlineOf(text, WANTED));
  return (
    outline &&
    Object.fromEntries([...outline.places].map(([path, { start, end }]): [string, unknown] => [path, JSON.parse(text.slice(start, end))]))
  );
}

/** The same by parsing all of it. */
function parsed(text: string): Record<string, unknown> {
  const value = JSON.parse(text) as unknown;
  const at = (object: unknown, name: string): unknown =>
    typeof object === 'object' && object !== null && !Array.isArray(object) && Object.hasOwn(object, name)
      ? (object as Record<string, unknown>)[name]
      : undefined;
  const all = [...WANTED].map((path): [string, unknown] => [path, path.split('.').reduce<unknown>(at, value)]);
  return Object.fromEntries(all.filter(([, found]) => found !== undefined));
}

const name = fc.constantFrom('id', 'method', 'result', 'error', 'isError', 'code', 'x', '__proto__', 'result.isError');
/** Text of an object whose names can come twice. */
const object = fc.letrec<{ object: string }>((tie) => ({
  object: fc
    .array(
      fc.tuple(
        name,
        fc.oneof(
          { maxDepth: 3 },
          anyJson.map((json) => JSON.stringify(json)),
          tie('object'),
        ),
      ),
      { maxLength: 6 },
    )
    .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)} :${value}`).join(', ')}\n}`),
})).object;

describe('the outline of JSON text', () => {
  it('has what the parser has at the same places, also when names come twice', () => {
    fc.assert(
      fc.property(object, (text) => {
        assert.deepEqual(read(text), parsed(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is there for any JSON', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(undefined, 1, '\t'), (json, space) => {
        assert.deepEqual(read(` ${JSON.stringify(json, null, space)}\r\n`), parsed(JSON.stringify(json)));
      }),
      { numRuns: 500 },
    );
  });

  it('is not there for what is no JSON', () => {
    for (const text of [
      '',
      ' ',
      '{',
      '}',
      '{"a":1',
      '{"a":1]',
      '[1,]',
      '{"a"}',
      '{"a":}',
      '{,}',
      '{"a":1,}',
      '{a:1}',
      "{'a':1}",
      '[1 2]',
      '1 2',
      'nul',
      '01',
      '+1',
      '.5',
      '-',
      '"a',
      '"a\\"',
      '{"a":1}{',
      '[1]]',
      'undefined',
      'NaN',
      '\u00a0{}',
      '{"a" 1}',
    ])
      assert.equal(read(text), undefined, text);
  });

  it('is not there for JSON that was cut', () => {
    fc.assert(
      fc.property(object, fc.nat(), (text, cut) => {
        assert.equal(read(text.slice(0, cut % (text.length - 1))), undefined);
      }),
      { numRuns: 500 },
    );
  });

  it('is found in any depth without using the stack', () => {
    const deep = `{"result":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)},"id":3}`;
    const places = atOnce(outlineOf(deep, new Set(['id'])))?.places;
    assert.equal(deep.slice(places?.get('id')?.start, places?.get('id')?.end), '3');
  });

  it('of long text is made in many steps', () => {
    for (const text of [JSON.stringify({ a: 'x"'.repeat(1_000_000) }), JSON.stringify(Array.from({ length: 300_000 }, () => 7))]) {
      const steps = outlineOf(text, WANTED);
      let count = 0;
      while (steps.next().done !== true) count += 1;
      assert.ok(count > 8, String(count));
    }
  });
});
