import assert from 'node:assert/strict';
import fc from 'fast-check';
import { inexactNumber } from '../../../src/bindings/exactNumbers';

/** The place of a number in arguments that are written like this. */
function placeIn(args: string): string | undefined {
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":${args}}}`;
  return inexactNumber(JSON.parse(args), body)?.join('.');
}

describe('a number in arguments', () => {
  it('is found if it is beyond what a double keeps apart, with the message or without', () => {
    for (const number of ['9007199254740992', '9007199254740993', '-9007199254740993', '123456789012345681', '1e300', '1e400', '-1E+999']) {
      assert.equal(placeIn(`{"a":[0,{"b":${number}}]}`), 'a.1.b', number);
      assert.deepEqual(inexactNumber({ a: JSON.parse(number) as unknown }, undefined), ['a'], number);
    }
  });

  it('is found if it was written with more digits than are kept', () => {
    for (const number of ['0.1000000000000000055', '9007199254740991.4', '1.0000000000000000001', '1e-400', '-0.30000000000000001'])
      assert.equal(placeIn(`{"x":"1e5","a":[ ${number} ]}`), 'a.0', number);
  });

  it('passes if it is read as what was written, in whatever way', () => {
    const numbers = ['0', '-0', '0.0', '1.0', '1e3', '1E+3', '100e-2', '0.1', '9007199254740991', '-9007199254740991'];
    const long = [
      '0.30000000000000004',
      '0.000000000000000000001',
      '5e-324',
      '1.50000000000000000000',
      '0e999999',
      '0.000000000000000000000e-5',
    ];
    for (const number of [...numbers, ...long]) assert.equal(placeIn(`{"a":${number}}`), undefined, number);
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const isWide = Number.isInteger(number) && !Number.isSafeInteger(number);
        assert.equal(placeIn(JSON.stringify({ a: number })) === undefined, !isWide);
      }),
    );
  });

  it('counts only there: not in texts, names, ids or metadata', () => {
    assert.equal(placeIn('{"a":"0.1000000000000000055","0.1000000000000000055":"\\\\\\"0.1000000000000000055"}'), undefined);
    const id =
      '{"jsonrpc":"2.0","id":12345678901234567890,"method":"tools/call","params":{"name":"t","arguments":{"a":1},"_meta":{"t":0.1000000000000000055}}}';
    assert.equal(inexactNumber({ a: 1 }, id), undefined);
  });

  it('is found wherever it is in a batch', () => {
    const call = (args: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":${args}}}`;
    assert.deepEqual(inexactNumber({}, `[${call('{}')},7,null,${call('{"a":1.0000000000000000001}')}]`), ['a']);
  });

  it('is found however deep it is', () => {
    assert.equal(placeIn(`${'['.repeat(2_000)}1e-400${']'.repeat(2_000)}`)?.length, 3_999);
  });
});
