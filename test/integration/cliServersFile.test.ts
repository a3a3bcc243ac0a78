import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Workplace } from './support/workplace';

interface Listed {
  readonly servers: readonly {
    readonly name: string;
    readonly approved: boolean;
    readonly secrets: readonly { readonly name: string }[];
  }[];
}

describe('changes of the servers file', function () {
  this.timeout(60_000);
  let place: Workplace;

  beforeEach(() => {
    place = new Workplace();
  });

  afterEach(() => place.close());

  async function list(): Promise<Listed['servers']> {
    return (JSON.parse(await place.ok(['server', 'list', '--json'])) as Listed).servers;
  }

  it('that are made at the same time are all made', async () => {
    const names = ['s1', 's2', 's3', 's4', 's5', 's6'];
    await Promise.all(names.map((name) => place.addHttp(name, `https://${name}.example/`)));
    const added = await list();
    assert.deepEqual(added.map(({ name }) => name).sort(), names);
    assert.ok(added.every(({ approved }) => approved));
    await Promise.all([
      place.ok(['server', 'update', 's1', '--secret', 'K=bearer']),
      place.ok(['server', 'update', 's1', '--url', 'https://other.example/']),
      place.ok(['server', 'scope', 's2', 'user']),
      place.ok(['server', 'remove', 's3']),
      place.ok(['server', 'remove', 's4']),
    ]);
    const left = await list();
    assert.deepEqual(left.map(({ name, approved }) => [name, approved]).sort(), [
      ['s1', true],
      ['s2', true],
      ['s5', true],
      ['s6', true],
    ]);
    assert.deepEqual(
      left.find(({ name }) => name === 's1'),
      {
        name: 's1',
        type: 'http',
        target: 'https://other.example/',
        secrets: [{ name: 'K', as: 'bearer', sentAs: 'Authorization' }],
        approved: true,
      },
    );
  });

  it('of two who add the same server, one is told', async () => {
    const add = (url: string): ReturnType<Workplace['cli']> => place.cli(['server', 'add', 'same', '--url', url]);
    const done = await Promise.all([add('https://a.example/'), add('https://b.example/')]);
    assert.deepEqual(done.map(({ code }) => code).sort(), [0, 1], done.map(({ stderr }) => stderr).join(''));
    assert.match(done.map(({ stderr }) => stderr).join(''), /There is a server "same" already/);
  });

  it('keep its permissions, and a link to it', async function () {
    if (process.platform === 'win32') this.skip();
    const real = join(place.root, 'real.json');
    await place.addHttp('a', 'https://a.example/');
    await place.ok(['backup', 'create', join(place.root, 'backup.age'), '--passphrase-file', passphraseFile()]);
    renameSync(place.serversFile, real);
    symlinkSync(real, place.serversFile);
    chmodSync(real, 0o600);
    const restore = ['backup', 'restore', join(place.root, 'backup.age'), '--passphrase-file', passphraseFile(), '--servers'];
    for (const args of [
      ['server', 'update', 'a', '--secret', 'K'],
      ['server', 'scope', 'a', 'user'],
      ['server', 'remove', 'a'],
      ['server', 'add', 'b', '--url', 'https://b.example/'],
      restore,
    ]) {
      await place.ok(args);
      assert.ok(lstatSync(place.serversFile).isSymbolicLink(), args.join(' '));
      assert.equal(statSync(real).mode & 0o777, 0o600, args.join(' '));
    }
    assert.deepEqual(Object.keys((JSON.parse(readFileSync(real, 'utf8')) as { servers: object }).servers).sort(), ['a', 'b']);
  });

  it('that are refused make no folder', async () => {
    assert.equal((await place.cli(['server', 'remove', 'a'])).code, 1);
    assert.equal((await place.cli(['server', 'add', 'a', '--url', 'ftp://a.example'])).code, 1);
    assert.ok(!existsSync(dirname(place.serversFile)));
  });

  function passphraseFile(): string {
    const path = join(place.root, 'passphrase');
    writeFileSync(path, 'correct horse\n', { mode: 0o600 });
    return path;
  }
});
