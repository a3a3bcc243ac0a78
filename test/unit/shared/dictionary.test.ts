import assert from 'node:assert/strict';
import { dictionary } from '../../../src/shared/dictionary';

describe('a dictionary', () => {
  it('is empty, and another one each time', () => {
    const [one, two] = [dictionary<number>(), dictionary<number>()];
    one.a = 1;
    assert.deepEqual(Object.keys(one), ['a']);
    assert.deepEqual(Object.keys(two), []);
  });

  it('has no keys but those that it was given', () => {
    const all = dictionary<string>();
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
      assert.ok(!(key in all), key);
      assert.equal(all[key], undefined, key);
      all[key] = 'x';
      assert.deepEqual(Object.getOwnPropertyDescriptor(all, key), { value: 'x', writable: true, enumerable: true, configurable: true });
    }
    assert.equal(Object.keys(all).length, 5);
    assert.equal(Object.getPrototypeOf(all), null);
    assert.ok(!('x' in {}));
  });
});
