import assert from 'node:assert/strict';
import type { BindingSpec } from '../../../src/bindings/binding';
import { resolveBinding } from '../../../src/bindings/binding';
import { modesOf } from '../../../src/bindings/server';
import { lostAs, sentAs } from '../../../src/editor/commands/sentAs';

describe('a secret that is sent in another mode', () => {
  const types = ['http', 'stdio', 'function'] as const;
  const limited: BindingSpec = { as: 'body', name: 'key', template: 'x ${value}', tools: ['list_*'] };

  it('stays for the same tools, or it is said that it cannot', () => {
    for (const type of types) {
      for (const mode of modesOf(type)) {
        const binding = resolveBinding('KEY', sentAs(mode, limited), type);
        assert.ok('secret' in binding, `${type} ${mode}`);
        assert.equal(binding.mode, mode);
        assert.equal(binding.tools === undefined, lostAs(mode, limited) !== undefined);
        if (binding.tools !== undefined) assert.deepEqual(binding.tools, limited.tools);
      }
    }
    assert.match(lostAs('env', limited) ?? '', /every tool/);
  });

  it('is for every tool if it was, which needs no words', () => {
    for (const mode of ['header', 'bearer', 'body', 'env'] as const) {
      assert.deepEqual(sentAs(mode, { as: 'body', name: 'key' }), { as: mode });
      assert.equal(lostAs(mode, { as: 'body', name: 'key' }), undefined);
    }
  });
});
