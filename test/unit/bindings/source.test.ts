import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ServersSource } from '../../../src/bindings/source';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';

describe('an edit of the servers file', () => {
  const root = temporaryFolder();
  let folder = '';
  let source: ServersSource;

  beforeEach(() => {
    folder = mkdtempSync(join(root(), 'workspace-'));
    source = new ServersSource(folder);
  });

  const append = (what: string): Promise<void> => source.edit((text, write) => write(text + what));

  it('makes the file, and nothing else', async () => {
    await append('a');
    assert.equal(readFileSync(source.path, 'utf8'), 'a');
    assert.deepEqual(readdirSync(dirname(source.path)), ['mcp-secrets.json']);
  });

  it('sees what those before it have written, whoever edits at the same time', async () => {
    const other = new ServersSource(folder);
    const each = Array.from({ length: 10 }, (_, index) => String(index));
    await Promise.all(each.map((digit, index) => (index % 2 === 0 ? source : other).edit((text, write) => write(text + digit))));
    assert.deepEqual(source.text().split('').sort(), each);
  });

  it('that throws changes nothing, and lets the next one in', async () => {
    await append('a');
    const error = new Error('no');
    await assert.rejects(
      source.edit(() => {
        throw error;
      }),
      error,
    );
    await append('b');
    assert.equal(source.text(), 'ab');
  });

  it('keeps the permissions, whatever the umask', async function () {
    if (process.platform === 'win32') this.skip();
    await append('a');
    for (const mode of [0o600, 0o666, 0o640]) {
      chmodSync(source.path, mode);
      await append('b');
      assert.equal(statSync(source.path).mode & 0o777, mode);
    }
  });

  it('goes where a link leads', async function () {
    if (process.platform === 'win32') this.skip();
    const real = join(folder, 'elsewhere.json');
    writeFileSync(real, 'a');
    mkdirSync(dirname(source.path));
    symlinkSync('../elsewhere.json', source.path);
    await append('b');
    assert.ok(lstatSync(source.path).isSymbolicLink());
    assert.equal(readFileSync(real, 'utf8'), 'ab');
    assert.deepEqual(readdirSync(folder).sort(), ['.vscode', 'elsewhere.json']);
  });

  it('does not replace a link that leads nowhere', async function () {
    if (process.platform === 'win32') this.skip();
    mkdirSync(dirname(source.path));
    symlinkSync('../nowhere.json', source.path);
    await refusal('storeFailed', () => append('a'));
    assert.ok(lstatSync(source.path).isSymbolicLink());
    assert.ok(!existsSync(join(folder, 'nowhere.json')));
  });
});
