import assert from 'node:assert/strict';
import { chmodSync, closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { readPassphrase, readValue } from '../../../src/cli/input';
import { MAX_VALUE_BYTES } from '../../../src/vault/secret';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';

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

describe('a passphrase from a file', () => {
  const folder = temporaryFolder();
  const none = { stdin: new PassThrough() as unknown as NodeJS.ReadStream, stderr: process.stderr };
  const read = (path: string | undefined, isNew = false): Promise<Buffer> => readPassphrase(path, 'Passphrase', isNew, none);
  let path = '';
  const write = (text: string, mode = 0o600): void => {
    path = join(folder(), 'passphrase');
    writeFileSync(path, text);
    chmodSync(path, mode);
  };

  it('loses one line break at its end', async () => {
    for (const [given, kept] of [
      ['correct horse\n', 'correct horse'],
      ['correct horse\r\n', 'correct horse'],
      [' correct horse ', ' correct horse '],
      ['correct horse\n\n', 'correct horse\n'],
    ] as const) {
      write(given);
      assert.equal((await read(path)).toString(), kept);
      assert.equal((await read(path, true)).toString(), kept);
    }
  });

  it('is refused when others can read it, or there is none', async () => {
    for (const mode of [0o640, 0o604, 0o666]) {
      write('correct horse', mode);
      if (process.platform !== 'win32') await refusal('tooOpen', () => read(path));
    }
    for (const text of ['', '\n']) {
      write(text);
      await refusal('usage', () => read(path));
    }
    await refusal('storeFailed', () => read(join(folder(), 'nowhere')));
    await refusal('storeFailed', () => read(folder()));
    await refusal('passphraseNeeded', () => read(undefined));
  });

  it('that is new is not too short', async () => {
    write('seven77');
    assert.match((await refusal('usage', () => read(path, true))).message, /8 characters at least/);
    assert.equal((await read(path)).toString(), 'seven77');
  });

  it('comes from an open file too', async function () {
    if (process.platform !== 'linux') this.skip();
    write('correct horse\n');
    const file = openSync(path, 'r');
    try {
      assert.equal((await read(`/dev/fd/${String(file)}`)).toString(), 'correct horse');
    } finally {
      closeSync(file);
    }
  });
});
