import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHeaders } from '../../../../src/audit/stream/headersFile';
import { isSecretsError } from '../../../../src/shared/errors';
import { temporaryFolder } from '../../support/folders';

describe('a file of headers', () => {
  const folder = temporaryFolder();

  function file(content: string, mode = 0o600): string {
    const path = join(folder(), 'headers');
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  }

  it('has one header a line', () => {
    assert.deepEqual(readHeaders(file('# for the collector\nAuthorization: Bearer abc:def\n\r\nX-Scope-OrgID:  7 \r\n')), {
      authorization: 'Bearer abc:def',
      'x-scope-orgid': '7',
    });
  });

  it('is refused when others may read or write it', () => {
    for (const mode of [0o640, 0o604, 0o620, 0o602])
      assert.throws(
        () => readHeaders(file('A: b', mode)),
        (error) => isSecretsError(error, 'tooOpen'),
      );
  });

  it('is refused, without its content in the error, where a line is no header to send', () => {
    for (const line of [
      'tokentokentoken',
      ': tokentokentoken',
      'a b: tokentokentoken',
      'X: tokentokentoken\0',
      'Host: tokentokentoken',
      'content-length: 7',
    ])
      assert.throws(
        () => readHeaders(file(`A: b\n${line}\n`)),
        (error) => isSecretsError(error, 'streamInvalid') && error.message.includes('line 2') && !error.message.includes('tokentoken'),
        line,
      );
  });

  it('that is not there is named', () => {
    assert.throws(() => readHeaders('/nowhere/headers'), /\/nowhere\/headers.*ENOENT/);
  });
});
