import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { newCanary } from './support/canaries';
import { cliPath } from './support/programs';
import { onTerminal } from './support/terminal';
import { Workplace } from './support/workplace';

/** What `backup restore --json` prints. */
interface Preview {
  readonly workspace: string;
  readonly secrets: { scope: string; name: string; state: string; restored: boolean; backup: { version: number; versions: number } }[];
  readonly servers: { name: string; state: string; restored: boolean }[];
}

describe('backup and restore on the command line', function () {
  this.timeout(120_000);
  const places: Workplace[] = [];
  let identityFile = '';
  let recipient = '';
  let place: Workplace;

  const values = { first: newCanary(), second: newCanary(), work: newCanary() };

  /** A machine that has nothing yet. */
  function machine(): Workplace {
    const made = new Workplace();
    places.push(made);
    for (const value of Object.values(values)) made.watch(value);
    return made;
  }

  before(async () => {
    place = machine();
    const identity = await generateIdentity();
    recipient = await identityToRecipient(identity);
    identityFile = join(place.root, 'identity.txt');
    writeFileSync(identityFile, `# mine\n${identity}\n`, { mode: 0o600 });
    await place.secret('token', values.first);
    await place.secret('token', values.second);
    await place.secret('token', values.work, '--scope', 'work', '--expires', '90d', '--rotate-every', '30d');
    await place.addHttp('github', 'https://github.example.com/mcp', 'TOKEN=bearer');
  });

  after(async () => {
    for (const made of places) await made.close();
  });

  async function backup(from = place, ...options: string[]): Promise<string> {
    const path = join(place.root, `backup-${String(Math.random()).slice(2)}.age`);
    await from.ok(['backup', 'create', path, '--recipient', recipient, ...options]);
    return path;
  }

  async function preview(to: Workplace, path: string, ...options: string[]): Promise<Preview> {
    return JSON.parse(await to.ok(['backup', 'restore', path, '--identity', identityFile, '--json', ...options])) as Preview;
  }

  function reveal(to: Workplace, ...options: string[]): Promise<string> {
    return to.ok(['secret', 'get', 'token', '--reveal', ...options]);
  }

  it('moves a vault to another machine: versions, scopes, dates and servers', async () => {
    const path = join(place.root, 'moved.age');
    const said = await place.ok(['backup', 'create', path, '--recipient', recipient]);
    assert.equal(said, `${path} holds 2 secrets with 3 versions and the servers file.\n`);
    assert.equal(statSync(path).mode & 0o777, 0o600);

    const other = machine();
    const told = await other.ok(['backup', 'restore', path, '--identity', identityFile, '--servers']);
    assert.match(told, /Restored work\/TOKEN, workspace\/TOKEN, the server "github"\.\nServers need your approval/);
    assert.equal(await reveal(other), values.second);
    assert.equal(await reveal(other, '--scope', 'work'), values.work);
    const list = (to: Workplace): Promise<string> => to.ok(['secret', 'list', '--json']);
    assert.equal(await list(other), await list(place));
    assert.equal(await other.ok(['secret', 'versions', 'token']), await place.ok(['secret', 'versions', 'token']));
    assert.equal(readFileSync(other.serversFile, 'utf8'), readFileSync(place.serversFile, 'utf8'));
    assert.match(await other.ok(['server', 'list']), /github\s+http\s+not approved/);
    await other.ok(['server', 'approve', 'github']);
  });

  it('shows what restoring would do and does nothing with --dry-run', async () => {
    const path = await backup();
    const other = machine();
    const { workspace, secrets, servers } = await preview(other, path, '--dry-run', '--servers');
    assert.equal(workspace, 'workspace');
    assert.deepEqual(
      secrets.map((s) => [s.scope, s.name, s.state, s.backup.version, s.backup.versions, s.restored]),
      [
        ['work', 'TOKEN', 'new', 1, 1, false],
        ['workspace', 'TOKEN', 'new', 2, 2, false],
      ],
    );
    assert.deepEqual(servers, [{ name: 'github', state: 'new', restored: false }]);
    const text = await other.ok(['backup', 'restore', path, '--identity', identityFile, '--dry-run']);
    assert.match(text, /^A backup of "workspace" from 20/);
    assert.match(text, /\nNAME +SCOPE +STATE +IN THE BACKUP +HERE\nTOKEN +work +new +version 1, .* +-\n/);
    assert.match(text, /Nothing was changed\. Without --dry-run this restores work\/TOKEN, workspace\/TOKEN\.\n--servers restores/);
    assert.deepEqual(JSON.parse(await other.ok(['secret', 'list', '--json'])), []);
    assert.ok(!existsSync(other.serversFile));
  });

  it('leaves what is newer here alone, unless told otherwise, and even then the newer value is kept', async () => {
    const other = machine();
    const path = await backup();
    const mine = newCanary();
    await other.secret('token', mine);
    const states = async (...options: string[]): Promise<string[]> =>
      (await preview(other, path, ...options)).secrets.map((s) => `${s.scope} ${s.state} ${String(s.restored)}`);
    assert.deepEqual(await states(), ['work new true', 'workspace older false']);
    assert.deepEqual(await states(), ['work same false', 'workspace older false']);
    assert.equal(await reveal(other), mine);
    assert.match(
      await other.ok(['backup', 'restore', path, '--identity', identityFile]),
      /There was nothing to restore\.\nSet here after .* workspace\/TOKEN\./,
    );
    assert.deepEqual(await states('--include-older'), ['work same false', 'workspace older true']);
    assert.equal(await reveal(other), values.second);
    await other.ok(['secret', 'rollback', 'token']);
    assert.equal(await reveal(other), mine);
  });

  it('takes over a value that was set later than the one here', async () => {
    const other = machine();
    await preview(other, await backup());
    const later = newCanary();
    for (const made of [place, other]) made.watch(later);
    const third = machine();
    await third.secret('token', later);
    const { secrets } = await preview(other, await backup(third));
    assert.deepEqual(
      secrets.map((s) => [s.state, s.restored]),
      [['changed', true]],
    );
    assert.equal(await reveal(other), later);
  });

  it('restores only what is asked for', async () => {
    const path = await backup();
    const one = machine();
    const restored = async (...options: string[]): Promise<string[]> =>
      (await preview(one, path, ...options)).secrets.filter((s) => s.restored).map((s) => s.scope);
    assert.deepEqual(await restored('--only', 'work/token'), ['work']);
    assert.deepEqual(await restored('--only', 'token'), ['workspace']);
    const { code, stderr } = await one.cli(['backup', 'restore', path, '--identity', identityFile, '--only', 'nobody']);
    assert.equal(code, 2);
    assert.match(stderr, /The backup holds no NOBODY\. It holds: work\/TOKEN, workspace\/TOKEN\./);
  });

  it('merges servers, keeps comments, and asks for approval of those that changed', async () => {
    const path = await backup();
    const other = machine();
    await other.servers(
      '{\n  // Ours.\n  "servers": {\n    "github": { "type": "http", "url": "https://other.example.com/" },\n    "mine": { "type": "http", "url": "https://mine.example.com/" }\n  }\n}\n',
      'github',
      'mine',
    );
    assert.deepEqual((await preview(other, path)).servers, [{ name: 'github', state: 'changed', restored: false }]);
    assert.deepEqual((await preview(other, path, '--servers')).servers, [{ name: 'github', state: 'changed', restored: true }]);
    assert.match(readFileSync(other.serversFile, 'utf8'), /\/\/ Ours\./);
    const list = await other.ok(['server', 'list']);
    assert.match(list, /github +http +not approved .*github\.example\.com/);
    assert.match(list, /mine +http +approved/);
  });

  it('changes nothing where the servers file here cannot be edited', async () => {
    const path = await backup();
    const other = machine();
    await other.servers('{ "servers": {');
    const { code, stderr } = await other.cli(['backup', 'restore', path, '--identity', identityFile, '--servers']);
    assert.equal(code, 1);
    assert.match(stderr, /The servers file has an error/);
    assert.deepEqual(JSON.parse(await other.ok(['secret', 'list', '--json'])), []);
  });

  it('replaces no file unless told to', async () => {
    const path = join(place.root, 'there.age');
    writeFileSync(path, 'mine');
    const { code, stderr } = await place.cli(['backup', 'create', path, '--recipient', recipient]);
    assert.equal(code, 1);
    assert.match(stderr, /there\.age is there already/);
    assert.equal(readFileSync(path, 'utf8'), 'mine');
    await place.ok(['backup', 'create', path, '--recipient', recipient, '--force']);
    assert.match(readFileSync(path, 'latin1'), /^age-encryption\.org\/v1\n/);
  });

  it('refuses what it cannot do, in words', async () => {
    const path = await backup();
    const phrase = join(place.root, 'phrase.txt');
    writeFileSync(phrase, 'a wrong passphrase\n', { mode: 0o600 });
    const open = join(place.root, 'open.txt');
    writeFileSync(open, 'correct horse battery\n');
    chmodSync(open, 0o644);
    const folder = join(place.root, 'folder');
    mkdirSync(folder);
    const fresh = join(place.root, 'fresh.age');
    const refusals: [args: string[], code: number, message: RegExp][] = [
      [['create'], 2, /needs a file/],
      [['create', fresh], 2, /no terminal to ask/],
      [['create', fresh, '--recipient', recipient, '--passphrase-file', phrase], 2, /either --recipient or --passphrase-file/],
      [['create', fresh, '--passphrase-file', open], 1, /can be read or written by others/],
      [['create', fresh, '--recipient', 'ssh-ed25519 AAAA'], 1, /SSH keys are not supported/],
      [['create', folder, '--recipient', recipient, '--force'], 1, /could not be read or written/],
      [['restore', path], 2, /made to recipients/],
      [['restore', path, '--passphrase-file', phrase], 1, /does not open with this passphrase or identity/],
      [['restore', path, '--identity', phrase], 1, /identity file cannot be used: line 1/],
      [['restore', path, '--identity', folder], 1, /could not be read or written/],
      [['restore', join(place.root, 'nothing.age'), '--identity', identityFile], 1, /nothing\.age could not be read/],
      [['restore', phrase, '--identity', identityFile], 1, /it is no age file/],
    ];
    for (const [args, expected, message] of refusals) {
      const { code, stdout, stderr } = await place.cli(['backup', ...args]);
      assert.equal(code, expected, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, message);
      assert.equal(stdout, '');
      assert.ok(!stderr.includes('a wrong passphrase'));
    }
    assert.ok(!existsSync(fresh));
  });

  it('makes none of a workspace that has nothing, and none of a vault that is locked', async () => {
    const other = machine();
    const path = join(other.root, 'none.age');
    const nothing = await other.cli(['backup', 'create', path, '--recipient', recipient]);
    assert.equal(nothing.code, 1);
    assert.match(nothing.stderr, /there are no secrets and no servers here/);
    await other.secret('token', newCanary());
    await other.ok(['lock']);
    const locked = await other.cli(['backup', 'create', path, '--recipient', recipient]);
    assert.equal(locked.code, 1);
    assert.match(locked.stderr, /locked/);
    assert.ok(!existsSync(path));
  });

  it('holds the secrets of the user only if asked for', async () => {
    const value = newCanary();
    await place.secret('shared', value, '--scope', 'user');
    const other = machine();
    other.watch(value);
    const names = async (path: string): Promise<string[]> =>
      (await preview(other, path, '--dry-run')).secrets.map((s) => `${s.scope}/${s.name}`);
    assert.ok(!(await names(await backup())).includes('user/SHARED'));
    const path = await backup(place, '--with-user');
    assert.ok((await names(path)).includes('user/SHARED'));
    await preview(other, path);
    assert.equal(await other.ok(['secret', 'get', 'shared', '--scope', 'user', '--reveal']), value);
  });

  it('is recorded, by names', async () => {
    const other = machine();
    await preview(other, await backup());
    await other.audited(1, ({ action, secrets }) => action === 'backup.restore' && secrets?.join() === 'TOKEN,TOKEN');
    await other.ok(['backup', 'create', join(other.root, 'own.age'), '--recipient', recipient]);
    await other.audited(
      1,
      ({ action, secrets, outcome }) => action === 'backup.create' && secrets?.join() === 'TOKEN,TOKEN' && outcome === 'ok',
    );
  });

  it('is hinted at where servers want secrets and there are none', async () => {
    const other = machine();
    assert.doesNotMatch(await other.ok(['secret', 'list']), /backup/);
    await other.servers(readFileSync(place.serversFile, 'utf8'));
    assert.match(await other.ok(['secret', 'list']), /mcp-secrets backup restore FILE/);
  });

  it('asks for the passphrase on a terminal: twice for a new backup, once to open it', async function () {
    // `script` of util-linux makes a terminal; that of macOS takes other arguments.
    if (process.platform !== 'linux') this.skip();
    const cli = `'${process.execPath}' '${cliPath}' backup`;
    const path = join(place.root, 'asked.age');
    const phrase = newCanary().replaceAll(/[^a-z0-9-]/g, '');
    const differ = await onTerminal(place, `${cli} create '${path}'`, [
      ['(not shown): ', phrase],
      ['(not shown): ', `${phrase}x`],
    ]);
    assert.equal(differ.code, 2, differ.shown);
    assert.ok(!existsSync(path));
    const made = await onTerminal(place, `${cli} create '${path}'`, [
      ['Passphrase of the backup (not shown): ', phrase],
      ['(not shown): ', phrase],
    ]);
    assert.equal(made.code, 0, made.shown);
    const other = machine();
    other.watch(phrase);
    place.watch(phrase);
    const wrong = await onTerminal(other, `${cli} restore '${path}'`, [['Passphrase of the backup (not shown): ', `${phrase}x`]]);
    assert.equal(wrong.code, 1, wrong.shown);
    const restored = await onTerminal(other, `${cli} restore '${path}'`, [['Passphrase of the backup (not shown): ', phrase]]);
    assert.equal(restored.code, 0, restored.shown);
    assert.equal(await reveal(other), values.second);
    for (const { shown } of [differ, made, wrong, restored]) assert.ok(!shown.includes(phrase));
  });
});
