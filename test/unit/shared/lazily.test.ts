import assert from 'node:assert/strict';
import { lazily } from '../../../src/shared/lazily';

describe('what is made lazily', () => {
  it('is made at the first call, and once', () => {
    let made = 0;
    const get = lazily(() => ({ number: (made += 1) }));
    assert.equal(made, 0);
    const first = get();
    assert.equal(first.number, 1);
    assert.equal(get(), first);
    assert.equal(made, 1);
  });

  it('is made once also if it is undefined', () => {
    let made = 0;
    const get = lazily((): unknown => {
      made += 1;
      return undefined;
    });
    assert.equal(get(), undefined);
    assert.equal(get(), undefined);
    assert.equal(made, 1);
  });

  it('is tried again after an error', () => {
    let tries = 0;
    const get = lazily(() => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
      return tries;
    });
    assert.throws(get, /not yet/);
    assert.deepEqual([get(), get()], [2, 2]);
  });
});
