import assert from 'node:assert/strict';
import { describePlan, planDigest, shapeDigest } from '../../../src/bindings/plan';
import type { Server } from '../../../src/bindings/server';
import { parseServersFile } from '../../../src/bindings/serversFile';
import type { Problem } from '../../../src/bindings/serversFile';

const FOLDER = '/work/space';

function problemsOf(policy: string): readonly Problem[] {
  return parseServersFile(`{"servers":{"s":{"url":"https://a/",\n"policy": ${policy}}}}`, FOLDER).problems;
}

function read(server: object): Server {
  const file = parseServersFile(JSON.stringify({ servers: { s: server } }), FOLDER);
  const found = file.servers.get('s');
  assert.ok(found !== undefined, JSON.stringify(file.problems));
  return found;
}

describe('the policy in a servers file', () => {
  it('is read with its defaults filled in', () => {
    const rules = [
      { tools: 'delete_*', annotations: { destructive: true }, agents: ['a*'], arguments: { type: 'object' }, action: 'ask', reason: 'r' },
      { action: 'deny' },
    ];
    assert.deepEqual(read({ url: 'https://a/', policy: { rules } }).policy, {
      default: 'allow',
      rules: [{ ...rules[0], tools: ['delete_*'] }, { action: 'deny' }],
    });
    assert.deepEqual(read({ command: 'x', policy: {} }).policy, { default: 'allow', rules: [] });
    const tools = [{ name: 't' }];
    assert.deepEqual(read({ type: 'function', url: 'https://a/', tools, policy: { default: 'ask' } }).policy, {
      default: 'ask',
      rules: [],
    });
  });

  it('and tools of a secret are part of the plan, and of its digests only where they are', () => {
    const plain = read({ url: 'https://a/', secrets: { K: 'bearer' } });
    assert.ok(!('policy' in plain) && plain.bindings.every((binding) => !('tools' in binding)));
    const others = [
      { url: 'https://a/', secrets: { K: 'bearer' }, policy: {} },
      { url: 'https://a/', secrets: { K: 'bearer' }, policy: { default: 'deny' } },
      { url: 'https://a/', secrets: { K: 'bearer' }, policy: { rules: [{ action: 'deny' }] } },
      { url: 'https://a/', secrets: { K: { as: 'bearer', tools: 'a' } } },
      { url: 'https://a/', secrets: { K: { as: 'bearer', tools: ['a', 'b'] } } },
    ].map(read);
    for (const digest of [planDigest, shapeDigest]) assert.equal(new Set([plain, ...others].map(digest)).size, 1 + others.length);
  });

  it('is described in words, whole, with nothing hidden', () => {
    const policy = {
      default: 'deny',
      rules: [
        { tools: ['get_*', 'a\u200bb'], annotations: { readOnly: true, openWorld: false }, action: 'allow' },
        { agents: 'X\u202eY', arguments: { properties: { p: { pattern: '\u2066' } } }, action: 'ask', reason: 'so\nit is' },
      ],
    };
    const lines = describePlan(read({ url: 'https://a/', policy, secrets: { K: { as: 'header', tools: ['get_*', 'x'] } } }));
    assert.deepEqual(lines.slice(1), [
      'Secret: K as header X-Mcp-Secret-K, only for get_* | x',
      'Rule 1: allow get_* | a\\u200bb, that the server calls readOnly and not openWorld',
      'Rule 2: ask all tools, for X\\u202eY, only with arguments {"properties":{"p":{"pattern":"\\u2066"}}}, because "so\\u000ait is"',
      'Other calls: deny',
    ]);
    assert.deepEqual(describePlan(read({ url: 'https://a/', policy: { default: 'ask' } })).at(-1), 'Calls: ask');
  });

  const PROBLEMS: readonly (readonly [what: string, policy: string, line: number, message: RegExp])[] = [
    ['that is no object', '[]', 2, /must be an object/],
    ['with an unknown field', '{\n"rule": [] }', 3, /Unknown field "rule"/],
    ['with a default that there is not', '{\n"default": "maybe" }', 3, /"allow", "ask" or "deny"/],
    ['with rules that are no list', '{\n"rules": {} }', 3, /must be a list/],
    ['with a rule without action', '{ "rules": [\n{ "tools": "a" }] }', 3, /action must be|"action" is missing/],
    ['with an unknown field in a rule', '{ "rules": [{ "action": "deny",\n"tool": "a" }] }', 3, /Unknown field "tool"/],
    ['with a pattern that is none', '{ "rules": [{ "action": "deny",\n"tools": 7 }] }', 3, /pattern of 1 to 200 characters, or a list/],
    ['with an empty pattern', '{ "rules": [{ "action": "deny",\n"tools": "" }] }', 3, /must not be empty/],
    ['with an empty list of patterns', '{ "rules": [{ "action": "deny",\n"agents": [] }] }', 3, /must not be empty/],
    ['with a pattern that is very long', `{ "rules": [{ "action": "deny",\n"tools": ["${'a'.repeat(201)}"] }] }`, 3, /at most 200 characters/],
    ['with an annotation that there is not', '{ "rules": [{ "action": "deny", "annotations": {\n"readonly": true } }] }', 3, /Unknown field "readonly"/],
    ['with an annotation that is no yes or no', '{ "rules": [{ "action": "deny", "annotations": {\n"readOnly": "yes" } }] }', 3, /must be/],
    ['with arguments for what is denied', '{ "rules": [{ "action": "deny",\n"arguments": {} }] }', 3, /"arguments" would change nothing/],
    ['with arguments that are no schema', '{ "rules": [{ "action": "allow",\n"arguments": true }] }', 3, /must be an object/],
    ['with a keyword that cannot be checked', '{ "rules": [{ "action": "allow", "arguments": { "properties": { "a": {\n"format": "email" } } } }] }', 3, /"format" cannot be checked here/],
    ['with a pattern that could hang', '{ "rules": [{ "action": "allow", "arguments": { "items": {\n"pattern": "(?<=a)b" } } }] }', 3, /linear time/],
    ['with a keyword twice', '{ "rules": [{ "action": "allow", "arguments": { "type": "object",\n"type": "array" } }] }', 3, /"type" is given twice/],
    ['with a pattern that is large', '{ "rules": [{ "action": "allow", "arguments": { "items": {\n"pattern": "([ab]{0,100}c){30}" } } }] }', 3, /too large to be checked: .* Repeat less/],
    ['with many large patterns', `{\n"rules": [${Array.from({ length: 20 }, (_, i) => `{ "action": "allow", "arguments": { "items": { "pattern": "[ab]{0,900}${String(i)}" } } }`).join(',')}] }`, 3, /too large together/],
    ['with a long list of patterns', `{ "rules": [{ "action": "deny",\n"tools": ${JSON.stringify(Array.from({ length: 101 }, () => 'a'))} }] }`, 3, /a list of at most 100 of them/],
    ['with many patterns', `{\n"rules": [${Array.from({ length: 20 }, () => `{"action":"deny","tools":${JSON.stringify(Array.from({ length: 51 }, () => 'a'))}}`).join(',')}] }`, 3, /have 1020 patterns of tools and agents/],
    ['with too many rules', `{ "rules": [${Array.from({ length: 201 }, () => '{"action":"deny"}').join(',')}] }`, 2, /200 rules at most/],
  ]; // prettier-ignore

  for (const [what, policy, line, message] of PROBLEMS) {
    it(`has a problem on the right line: ${what}`, () => {
      const problems = problemsOf(policy);
      assert.equal(problems.length, 1, JSON.stringify(problems));
      assert.match(problems[0]?.message ?? '', message);
      assert.deepEqual([problems[0]?.line, problems[0]?.server], [line, 's']);
    });
  }

  it('narrows no variable of a process', () => {
    const text = '{"servers":{"s":{"command":"x","secrets":{\n"K":{"as":"env","tools":"a"}}}}}';
    const [problem] = parseServersFile(text, FOLDER).problems;
    assert.equal(problem?.line, 2);
    assert.match(problem.message, /cannot be for certain tools only/);
  });
});
