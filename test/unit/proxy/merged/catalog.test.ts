import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { merge } from '../../../../src/proxy/merged/catalog';
import type { Item } from '../../../../src/proxy/merged/catalog';
import { splitUri } from '../../../../src/proxy/merged/uris';

const servers = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z._-]{0,5}$/), { maxLength: 5 });
const uris = fc.array(fc.constantFrom('a:1', 'a:2', 'b:1', 'mcp-secrets:x:a:1', 'mcp-secrets:b:1', ''));
const lists = servers.chain((names) => fc.tuple(...names.map((name) => uris.map((list) => [name, list.map((uri) => ({ uri }))] as const))));

function list(...names: unknown[]): Item[] {
  return names.map((name) => ({ name, extra: { kept: true } }));
}

describe('lists of several servers as one', () => {
  it('keep each tool with its fields, under another name', () => {
    const { byShown, json } = merge('tools', new Map([['a', list('x', 'y')], ['b', list('x')]])); // prettier-ignore
    assert.deepEqual([...byShown.keys()], ['a__x', 'a__y', 'b__x']);
    assert.deepEqual(byShown.get('b__x'), { server: 'b', own: 'x', item: { name: 'b__x', extra: { kept: true } } });
    assert.deepEqual(JSON.parse(json)[0], { name: 'a__x', extra: { kept: true } });
  });

  it('leave out what has no name, and what is listed twice', () => {
    const { byShown } = merge('tools', new Map([['a', [...list('x', 'x', 7, null), {}]]]));
    assert.deepEqual([...byShown.keys()], ['a__x']);
  });

  it('survive hostile names', () => {
    const hostile = JSON.parse('[{"name":"__proto__","__proto__":{"polluted":true}},{"name":"constructor"}]') as Item[];
    const { byShown, json } = merge('tools', new Map([['a', hostile]]));
    assert.equal(byShown.size, 2);
    assert.match(json, /"__proto__":\{"polluted":true\}/);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  it('a URI is shown as it is if one server has it, and with its server if several have it; each leads back', () => {
    fc.assert(
      fc.property(lists, (all) => {
        const { byShown, owners } = merge('resources', new Map(all));
        const pairs = new Set(all.flatMap(([server, items]) => items.map(({ uri }) => JSON.stringify([server, uri]))));
        assert.equal(byShown.size, pairs.size);
        for (const [shown, { server, own, item }] of byShown) {
          assert.equal(item.uri, shown);
          assert.ok(pairs.has(JSON.stringify([server, own])));
          const split = splitUri(shown);
          if (split === undefined) assert.deepEqual([own, owners.get(own)], [shown, [server]]);
          else assert.deepEqual(split, { server, uri: own });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
