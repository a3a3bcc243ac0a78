import { Ajv2020 } from 'ajv/dist/2020';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { mock } from 'node:test';
import { RE2Set } from 're2js';
import { patternsProblem, schemaProblems, violation } from '../../../src/bindings/argumentsSchema';
import type { ArgumentsSchema } from '../../../src/bindings/argumentsSchema';

const ajv = new Ajv2020({ strict: false, allErrors: false, logger: false });

/** Few names and values, so that schemas and values meet. */
const name = fc.constantFrom('a', 'b', 'c');
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(
      fc.integer({ min: -3, max: 5 }),
      fc.constantFrom('', 'a', 'ab', 'é😀', '12'),
      fc.boolean(),
      fc.constant(null),
      fc.constant(1.5),
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const type = fc.constantFrom('string', 'number', 'integer', 'boolean', 'null', 'array', 'object');
const count = fc.nat(3);
const { schema } = fc.letrec<{ schema: unknown; any: unknown }>((tie) => ({
  any: fc.oneof({ maxDepth: 3 }, fc.boolean(), tie('schema')),
  schema: fc.record(
    {
      type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })),
      const: value,
      enum: fc.uniqueArray(value, { minLength: 1, maxLength: 3, selector: (one) => JSON.stringify(one) }),
      minimum: fc.integer({ min: -3, max: 5 }),
      exclusiveMaximum: fc.integer({ min: -3, max: 5 }),
      multipleOf: fc.constantFrom(1, 2, 0.5),
      minLength: count,
      maxLength: count,
      pattern: fc.constantFrom('^a', 'b$', '^[0-9]+$', '.'),
      minItems: count,
      maxItems: count,
      uniqueItems: fc.boolean(),
      items: tie('any'),
      minProperties: count,
      maxProperties: count,
      required: fc.uniqueArray(name, { maxLength: 2 }),
      properties: fc.dictionary(name, tie('any'), { maxKeys: 3, noNullPrototype: true }),
      additionalProperties: tie('any'),
      propertyNames: fc.constantFrom({ pattern: '^[ab]$' }, true, { maxLength: 0 }),
      allOf: fc.array(tie('any'), { minLength: 1, maxLength: 2 }),
      anyOf: fc.array(tie('any'), { minLength: 1, maxLength: 2 }),
      oneOf: fc.array(tie('any'), { minLength: 1, maxLength: 2 }),
      not: tie('any'),
      description: fc.constant('any'),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
}));

describe('the schema of arguments', () => {
  it('says the same as Ajv', () => {
    fc.assert(
      fc.property(schema, value, (given, args) => {
        const keep = Object.entries(given as object).slice(0, 6);
        const some = Object.fromEntries(keep) as ArgumentsSchema;
        assert.deepEqual(schemaProblems(some), []);
        assert.equal(violation(some, args) === undefined, ajv.compile(some)(args), JSON.stringify([some, args]));
      }),
      { numRuns: 300 },
    );
  });

  it('says where and what is wrong, without the value', () => {
    const rules = {
      type: 'object',
      properties: { path: { type: 'string', pattern: '^/srv/' }, tags: { items: { enum: ['a', 'b'] } } },
      required: ['path'],
      additionalProperties: false,
    };
    assert.equal(violation(rules, { path: '/srv/x' }), undefined);
    assert.equal(violation(rules, { path: 'hidden-value' }), '/path must match ^/srv/.');
    assert.equal(violation(rules, {}), 'The whole must have "path".');
    assert.equal(violation(rules, { path: '/srv/', tags: ['a', 'hidden-value'] }), '/tags/1 must be one of "a", "b".');
    assert.equal(violation(rules, { path: '/srv/', 'x\u202ey': 1 }), 'The whole must not have "x\\u202ey".');
    assert.equal(violation(rules, [1]), 'The whole must be of type object.');
    assert.equal(violation({ properties: { 'a/b~c': { type: 'string' } } }, { 'a/b~c': 1 }), '/a~1b~0c must be of type string.');
  });

  it('does not let a member pass in another spelling, which some servers take for the same', () => {
    const rules = { properties: { path: { pattern: '^/srv/' } } };
    for (const twin of ['Path', 'PATH', 'pAth'])
      assert.match(violation(rules, { path: '/srv/', [twin]: '/etc' }) ?? '', /another spelling of "path"/);
    assert.match(violation({ properties: { keys: {} } }, { '\u212aey\u017f': 1 }) ?? '', /another spelling of "keys"/);
    assert.equal(violation(rules, { path: '/srv/', paths: '/etc' }), undefined);
  });

  it('is not fooled by names of Object.prototype', () => {
    const rules = { properties: { a: {} }, required: ['constructor'], additionalProperties: false };
    assert.match(violation(rules, { a: 1 }) ?? '', /must have "constructor"/);
    assert.match(violation(rules, JSON.parse('{"constructor":1,"__proto__":{"a":1}}')) ?? '', /must not have/);
    assert.match(
      violation(JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') as ArgumentsSchema, JSON.parse('{"__proto__":1}')) ?? '',
      /type string/,
    );
  });

  describe('does not take forever', () => {
    it('with patterns that others take forever with', () => {
      for (const pattern of ['(a+)+$', '(a|a)*b', '^(\\w+\\s?)*$', '(.*a){12}$']) {
        assert.deepEqual(schemaProblems({ pattern }), [], pattern);
        violation({ properties: { x: { pattern } } }, { x: `${'a'.repeat(100_000)}!` });
      }
    });

    it('with arguments that are too large to be checked: those it refuses', () => {
      const large = /too large to be checked/;
      assert.match(
        violation(
          { items: { type: 'number' } },
          Array.from({ length: 200_000 }, () => 1),
        ) ?? '',
        large,
      );
      assert.match(violation({ properties: { x: { pattern: 'a' } } }, { x: 'a'.repeat(300_000) }) ?? '', large);
      assert.match(
        violation(
          { items: { pattern: 'a' } },
          Array.from({ length: 1_000 }, () => 'a'.repeat(1_000)),
        ) ?? '',
        large,
      );
      let deep: unknown = [];
      for (let level = 0; level < 100_000; level += 1) deep = [deep];
      assert.match(violation({ uniqueItems: true }, [deep, deep]) ?? '', large);
      assert.match(violation({ const: [1] }, deep) ?? '', /must be/);
    });
  });

  describe('is not kept busy by a policy', () => {
    const large = /too large to be checked/;

    it('with a pattern that is large: its size counts for each character', () => {
      const pattern = '^[ab]{0,900}c$';
      assert.deepEqual(schemaProblems({ pattern }), []);
      assert.equal(violation({ pattern }, `${'ab'.repeat(400)}c`), undefined);
      assert.match(violation({ pattern }, 'ab'.repeat(2_000)) ?? '', large);
      // A small one for as many.
      assert.equal(violation({ pattern: '^[ab]*$' }, 'ab'.repeat(2_000)), undefined);
    });

    it('with many patterns on short texts: to compile them counts, too', () => {
      const all = Array.from({ length: 40 }, (_, index) => ({ pattern: `^[ab]{0,900}(?:${String(index)})?` }));
      assert.match(violation({ allOf: all }, '') ?? '', large);
      assert.equal(violation({ allOf: all.slice(0, 10) }, ''), undefined);
    });

    it('whatever stands around the pattern: what cannot be checked is refused', () => {
      const pattern = '^[ab]{0,900}c$';
      const text = 'ab'.repeat(2_000);
      for (const schema of [{ not: { pattern } }, { anyOf: [{ pattern }, true] }, { oneOf: [{ pattern }, true] }])
        assert.match(violation(schema, text) ?? '', large, JSON.stringify(schema));
      assert.match(violation({ propertyNames: { not: { pattern } } }, { [text]: 1 }) ?? '', large);
    });

    it('with a pattern that no servers file can have', () => {
      for (const pattern of ['(?=a)b', 'a'.repeat(1_001), '[ab]{0,1000}'.repeat(40)])
        assert.match(violation({ pattern }, 'a') ?? '', large);
    });

    it('with lists that each item is compared with', () => {
      const values = Array.from({ length: 50_000 }, (_, index) => index);
      assert.match(violation({ items: { enum: values } }, values) ?? '', large);
      const properties = Object.fromEntries(values.map((value) => [`p${String(value)}`, {}]));
      const objects = values.map(() => ({}));
      assert.match(violation({ items: { properties } }, objects) ?? '', large);
      assert.equal(violation({ items: { enum: values.slice(0, 200) } }, values.slice(0, 200)), undefined);
    });

    it('when the file is read: a pattern is compiled by the first text', () => {
      const counted = mock.method(RE2Set.prototype, 'compile');
      try {
        const pattern = '^first-text-[a-z]{1,50}$';
        const schema = { properties: { a: { pattern } } };
        assert.deepEqual(schemaProblems(schema), []);
        assert.equal(patternsProblem([schema]), undefined);
        assert.equal(counted.mock.callCount(), 0);
        assert.equal(violation(schema, { a: 'first-text-a' }), undefined);
        assert.match(violation(schema, { a: 'first-text-' }) ?? '', /must match/);
        assert.equal(counted.mock.callCount(), 1);
      } finally {
        counted.mock.restore();
      }
    });

    it('with patterns that are many, or large together', () => {
      const many = Array.from({ length: 201 }, (_, index) => ({ anyOf: [true, { items: { pattern: `^${String(index)}$` } }] }));
      assert.match(patternsProblem(many) ?? '', /have 201 patterns for arguments\. There can be 200 at most/);
      assert.equal(patternsProblem(many.slice(1)), undefined);
      // The same again is no other one.
      assert.equal(patternsProblem([...many.slice(1), ...many.slice(1)]), undefined);
      const big = Array.from({ length: 14 }, (_, index) => ({ pattern: `^[ab]{0,950}${String(index)}` }));
      assert.match(patternsProblem(big) ?? '', /too large together: .* more than 25,000 steps\. Repeat less/);
    });
  });

  describe('has a problem', () => {
    const problems: Readonly<Record<string, readonly [unknown, string, RegExp]>> = {
      'an unknown keyword': [{ patern: 'a' }, 'patern', /"patern" cannot be checked here\. Known: type/],
      'a reference': [{ properties: { a: { $ref: '#' } } }, 'properties.a.$ref', /cannot be checked/],
      'a format': [{ format: 'email' }, 'format', /cannot be checked/],
      'a type that there is not': [{ type: 'text' }, 'type', /one of string, number/],
      'no type at all': [{ type: [] }, 'type', /one of string, number/],
      'a look-ahead': [{ pattern: '(?=a)b' }, 'pattern', /linear time/],
      'a back reference': [{ items: { pattern: '(a)\\1' } }, 'items.pattern', /linear time/],
      'a pattern that is none': [{ pattern: '[' }, 'pattern', /linear time/],
      'a pattern that is long': [{ pattern: 'a'.repeat(1_001) }, 'pattern', /at most 1,000 characters here\. Use a shorter one/],
      'a pattern that is large': [{ pattern: `${'[ab]{0,1000}'.repeat(40)}c$` }, 'pattern', /more than 2,500 steps\. Repeat less/],
      'a pattern that is large inside of brackets': [{ pattern: '((a|b){30}c?){30}' }, 'pattern', /more than 2,500 steps/],
      'counts that multiply': [{ pattern: '((a{0,50}){0,30})*' }, 'pattern', /more than 2,500 steps/],
      'a count that is large': [{ pattern: 'a{1001}' }, 'pattern', /at most 1,000 repetitions/],
      'a count that goes backwards': [{ pattern: 'a{3,2}' }, 'pattern', /linear time/],
      'a pattern that is no text': [{ pattern: 1 }, 'pattern', /must be a text/],
      'a negative count': [{ minLength: -1 }, 'minLength', /whole number/],
      'a schema that is none': [{ anyOf: [true, 7] }, 'anyOf.1', /must be an object, true or false/],
      'an empty list of schemas': [{ allOf: [] }, 'allOf', /list of schemas/],
      'a step of nothing': [{ multipleOf: 0 }, 'multipleOf', /above 0/],
      'names that are none': [{ required: [1] }, 'required', /list of names/],
      'a keyword of Object.prototype': [JSON.parse('{"__proto__": 1, "toString": 2}'), '__proto__', /cannot be checked/],
    };
    for (const [what, [given, path, message]] of Object.entries(problems)) {
      it(`with ${what}`, () => {
        const [first] = schemaProblems(given);
        assert.equal(first?.path.join('.'), path);
        assert.match(first.message, message);
      });
    }
  });
});
