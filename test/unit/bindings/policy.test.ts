import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decide, rulesThatAsk } from '../../../src/bindings/policy';
import type { Policy, PolicyAction, PolicyRule, ToolLookup } from '../../../src/bindings/policy';
import type { Server } from '../../../src/bindings/server';

const server: Server = { name: 's', type: 'http', url: 'https://example.com/', headers: {}, bindings: [], scope: 'workspace' };
const rule = (action: PolicyAction, more: Omit<PolicyRule, 'action'> = {}): PolicyRule => ({ action, ...more });
const knows = (annotations: unknown): ToolLookup => ({ tool: () => ({ annotations }) });
const NO_TOOLS: ToolLookup = { tool: () => undefined };

const decision = (policy: Partial<Policy>, { tool = 'get_issue', agent = 'Claude Code' } = {}, lookup: ToolLookup = NO_TOOLS) =>
  decide({ default: 'allow', rules: [], ...policy }, { agent, server, tool }, lookup);
const action = (...args: Parameters<typeof decision>): PolicyAction => decision(...args).action;

describe('a policy', () => {
  it('allows what no rule is about, unless its default says otherwise', () => {
    assert.deepEqual(decision({}), { action: 'allow', rule: undefined, constraints: [] });
    assert.equal(action({ default: 'deny' }), 'deny');
  });

  it('follows the first rule that is about a call', () => {
    const rules = [rule('allow', { tools: ['get_*'] }), rule('ask', { tools: ['*_issue', 'x'] }), rule('deny')];
    assert.deepEqual(decision({ rules }), { action: 'allow', rule: 1, constraints: [] });
    assert.equal(decision({ rules }, { tool: 'close_issue' }).rule, 2);
    assert.equal(decision({ rules }, { tool: 'X' }).rule, 3);
  });

  it('knows agents by name, in any case', () => {
    const rules = [rule('deny', { agents: ['claude*', 'Cursor'] })];
    assert.equal(action({ rules }, { agent: 'Claude Code' }), 'deny');
    assert.equal(action({ rules }, { agent: 'CURSOR' }), 'deny');
    assert.equal(action({ rules }, { agent: 'VS Code' }), 'allow');
  });

  describe('that depends on what the server says of its tools', () => {
    const rules = [rule('deny', { annotations: { destructive: true } }), rule('allow', { annotations: { readOnly: true } }), rule('ask')];

    it('takes it at its word', () => {
      assert.equal(decision({ rules }, {}, knows({ destructiveHint: true, readOnlyHint: true })).rule, 1);
      assert.equal(decision({ rules }, {}, knows({ destructiveHint: false, readOnlyHint: true })).rule, 2);
      assert.equal(decision({ rules }, {}, knows({ destructiveHint: false, readOnlyHint: false })).rule, 3);
    });

    it('takes the strictest outcome where it says nothing, or nonsense', () => {
      for (const said of [
        undefined,
        null,
        'x',
        [],
        {},
        { destructiveHint: 'no', readOnlyHint: true },
        Object.create({ destructiveHint: false }),
      ])
        assert.equal(action({ rules }, {}, knows(said)), 'deny', JSON.stringify(said));
      assert.equal(action({ rules: [rule('allow', { annotations: { readOnly: true } })], default: 'ask' }), 'ask');
      assert.equal(action({ rules: [rule('ask', { annotations: { openWorld: true } }), rule('deny')] }), 'deny');
      assert.equal(action({ rules: [rule('ask', { annotations: { openWorld: true } })] }), 'ask');
    });

    it('is never less strict without it than with it', () => {
      const anyAction = fc.constantFrom<PolicyAction>('allow', 'ask', 'deny');
      const hints = fc.record({ readOnly: fc.boolean(), destructive: fc.boolean() }, { requiredKeys: [] });
      const anyRule = fc.record({ action: anyAction, annotations: hints });
      const said = fc.record({ readOnlyHint: fc.boolean(), destructiveHint: fc.boolean() });
      const strictness = ['allow', 'ask', 'deny'];
      fc.assert(
        fc.property(anyAction, fc.array(anyRule, { maxLength: 5 }), said, (otherwise, anyRules, annotations) => {
          const policy = { default: otherwise, rules: anyRules as PolicyRule[] };
          const known = strictness.indexOf(action(policy, {}, knows(annotations)));
          assert.ok(strictness.indexOf(action(policy)) >= known);
        }),
        { numRuns: 2_000 },
      );
    });

    it('holds to the arguments of every rule that could be about the call', () => {
      const strict = { type: 'object' };
      const more = [rule('allow', { annotations: { readOnly: true }, arguments: strict }), rule('allow', { arguments: strict })];
      assert.deepEqual(decision({ rules: more }).constraints, [1, 2]);
      assert.deepEqual(decision({ rules: more }, {}, knows({ readOnlyHint: true })).constraints, [1]);
      assert.deepEqual(decision({ rules: more }, {}, knows({ readOnlyHint: false })).constraints, [2]);
    });
  });

  it('tells which rules could ask about a tool', () => {
    const rules = [rule('ask', { tools: ['a*'], agents: ['x'] }), rule('deny'), rule('ask'), rule('ask', { tools: ['b'] })];
    assert.deepEqual(rulesThatAsk({ default: 'allow', rules }, 'a1'), [1, 3]);
    assert.deepEqual(rulesThatAsk({ default: 'ask', rules: [] }, 'a1'), [undefined]);
  });
});
