import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { readValue } from '../../../src/cli/input';
import { MAX_VALUE_BYTES } from '../../../src/vault/vault';
import { refusal } from '../support/errors';

/** A value read from standard input that comes in these chunks. */
function piped(...chunks: (string | Buffer)[]): Promise<Buffer> {
  const stdin = new PassThrough();
  for (const chunk of chunks) stdin.write(chunk);
  stdin.end();
  return readValue('K', stdin as unknown as NodeJS.ReadStream, process.stderr);
}

describe('a value from standard input', () => {
  for (const [given, kept] of [
    ['value', 'value'],
    ['value\n', 'value'],
    ['value\r\n', 'value'],
    ['value\n\n', 'value\n'],
    ['value\r', 'value\r'],
    [' value ', ' value '],
    ['a\nb\r\nc\n', 'a\nb\r\nc'],
    ['\n', ''],
    ['', ''],
  ] as const) {
    it(`loses one line break at its end: ${JSON.stringify(given)}`, async () => {
      assert.equal((await piped(given)).toString(), kept);
      assert.equal((await piped(...given.split(/(?<=[^])/))).toString(), kept);
    });
  }

  it('may be any bytes', async () => {
    const bytes = Buffer.from([0, 0xff, 0xc3, 10, 0x80, 13]);
    assert.deepEqual(await piped(bytes.subarray(0, 3), bytes.subarray(3)), bytes);
  });

  it('may be as long as a value may be, with its line break', async () => {
    assert.equal((await piped('x'.repeat(MAX_VALUE_BYTES), '\r\n')).length, MAX_VALUE_BYTES);
    await refusal('valueTooLarge', () => piped('x'.repeat(MAX_VALUE_BYTES), '\r\n\n'));
    await refusal('valueTooLarge', () => piped(Buffer.alloc(10 * MAX_VALUE_BYTES)));
  });
});
