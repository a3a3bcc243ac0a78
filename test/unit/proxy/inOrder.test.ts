import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { InOrder } from '../../../src/proxy/inOrder';

describe('texts on their way to an agent', () => {
  it('are handed on at once while nothing waits', () => {
    const seen: string[] = [];
    const order = new InOrder();
    order.push('a', (text) => seen.push(text));
    order.push('b', (text) => seen.push(text));
    assert.deepEqual(seen, ['a', 'b']);
  });

  it('keep their order when some take their time', async () => {
    const seen: string[] = [];
    const order = new InOrder();
    order.push(setTimeout(20, 'slow'), (text) => seen.push(text));
    order.push(setTimeout(1, 'quick'), (text) => seen.push(text));
    order.push('there', (text) => seen.push(text));
    await setTimeout(40);
    order.push('after', (text) => seen.push(text));
    assert.deepEqual(seen, ['slow', 'quick', 'there', 'after']);
  });

  it('pass one that fails by', async () => {
    const seen: string[] = [];
    const order = new InOrder();
    order.push(Promise.reject(new Error('no')), (text) => seen.push(text));
    order.push('next', (text) => seen.push(text));
    await setTimeout(5);
    assert.deepEqual(seen, ['next']);
  });
});
