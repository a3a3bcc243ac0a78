import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureProgram } from '../host/systemPackages';
import { newCanary } from './support/canaries';
import { run } from './support/programs';
import { onTerminal } from './support/terminal';
import { Workplace } from './support/workplace';

/** The document inside a backup, as far as it matters here. */
interface Plain {
  readonly format: number;
  readonly secrets: { name: string; scope: string; versions: { version: number; value: string }[] }[];
  readonly serversFile: string;
}

describe('backups and the stock age program', function () {
  this.timeout(120_000);
  const phrase = 'correct horse battery staple';
  const values = [newCanary(), newCanary()];
  let place: Workplace;
  /** Where what is not encrypted may be: outside of what is searched for values. */
  let outside = '';
  let keyFile = '';
  let phraseFile = '';
  let recipient = '';

  before(async function () {
    // The program may have to be installed first.
    this.timeout(600_000);
    if (process.platform !== 'linux' || !(await ensureProgram('age'))) {
      process.stderr.write('skipped: backups and the stock age program (needs Linux and the package "age")\n');
      this.skip();
    }
    place = new Workplace();
    outside = mkdtempSync(join(tmpdir(), 'mcps-age-'));
    keyFile = join(place.root, 'identity.txt');
    phraseFile = join(place.root, 'phrase.txt');
    writeFileSync(phraseFile, `${phrase}\n`, { mode: 0o600 });
    await program('age-keygen', ['-o', keyFile]);
    recipient = (await program('age-keygen', ['-y', keyFile])).toString().trim();
    for (const value of values) await place.secret('token', value);
    await place.addHttp('github', 'https://github.example.com/mcp', 'TOKEN=bearer');
  });

  after(async () => {
    if (outside === '') return;
    rmSync(outside, { recursive: true, force: true });
    await place.close();
  });

  /** Runs a program of age, which must succeed; returns what it printed. */
  async function program(name: string, args: readonly string[], input: string | Buffer = ''): Promise<Buffer> {
    const { code, stdout, stderr } = await run(spawn(name, args, { cwd: place.workspace, env: place.env, stdio: 'pipe' }), input);
    assert.equal(code, 0, `${name} ${args.join(' ')}: ${stderr}`);
    return Buffer.from(stdout);
  }

  function check(text: string): void {
    const { format, secrets, serversFile } = JSON.parse(text) as Plain;
    assert.equal(format, 1);
    assert.deepEqual(
      secrets.map(({ scope, name, versions }) => [scope, name, versions.map(({ value }) => Buffer.from(value, 'base64').toString())]),
      [['workspace', 'TOKEN', values]],
    );
    assert.match(serversFile, /github\.example\.com/);
  }

  async function plaintext(): Promise<string> {
    const path = join(place.root, 'plain.age');
    await place.ok(['backup', 'create', path, '--recipient', recipient, '--force']);
    return (await program('age', ['-d', '-i', keyFile, path])).toString();
  }

  /** Restores a file on a machine that has nothing yet. */
  async function restored(path: string, ...options: string[]): Promise<void> {
    const other = new Workplace();
    for (const value of values) other.watch(value);
    try {
      await other.ok(['backup', 'restore', path, '--servers', ...options]);
      assert.equal(await other.ok(['secret', 'get', 'token', '--reveal']), values[1]);
      await other.ok(['secret', 'rollback', 'token']);
      assert.equal(await other.ok(['secret', 'get', 'token', '--reveal']), values[0]);
      assert.match(await other.ok(['server', 'list']), /github/);
    } finally {
      await other.close();
    }
  }

  it('age opens a backup to recipients, with the identity of each', async () => {
    const second = join(place.root, 'second.txt');
    await program('age-keygen', ['-o', second]);
    const path = join(place.root, 'two.age');
    const other = (await program('age-keygen', ['-y', second])).toString().trim();
    await place.ok(['backup', 'create', path, '--recipient', recipient, '--recipient', other]);
    for (const identity of [keyFile, second]) check((await program('age', ['-d', '-i', identity, path])).toString());
  });

  it('age opens a backup with its passphrase', async () => {
    const path = join(place.root, 'phrase.age');
    await place.ok(['backup', 'create', path, '--passphrase-file', phraseFile]);
    const plain = join(outside, 'plain.json');
    const { shown, code } = await onTerminal(place, `age -d -o '${plain}' '${path}'`, [['Enter passphrase: ', phrase]]);
    assert.equal(code, 0, shown);
    check((await program('cat', [plain])).toString());
  });

  it('a file that age has made to a recipient restores, armored too', async () => {
    for (const options of [[], ['-a']]) {
      const path = join(place.root, `age${options.join('')}.age`);
      await program('age', [...options, '-r', recipient, '-o', path], await plaintext());
      await restored(path, '--identity', keyFile);
    }
  });

  it('a file that age has made with a passphrase restores', async () => {
    const plain = join(outside, 'again.json');
    writeFileSync(plain, await plaintext());
    const path = join(place.root, 'age-phrase.age');
    const { shown, code } = await onTerminal(place, `age -p -o '${path}' '${plain}'`, [
      ['Enter passphrase', phrase],
      ['Confirm passphrase', phrase],
    ]);
    assert.equal(code, 0, shown);
    await restored(path, '--passphrase-file', phraseFile);
  });

  it('a file of age that holds something else is refused', async () => {
    const path = join(place.root, 'else.age');
    await program('age', ['-r', recipient, '-o', path], 'something else');
    const { code, stderr } = await place.cli(['backup', 'restore', path, '--identity', keyFile]);
    assert.equal(code, 1);
    assert.match(stderr, /The backup cannot be read: what is inside/);
  });
});
