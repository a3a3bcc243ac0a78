import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { newCanary } from './support/canaries';
import type { Finished } from './support/programs';
import { Workplace } from './support/workplace';

interface ListedSecret {
  readonly name: string;
  readonly scope: string;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

describe('mcp-secrets secret', function () {
  this.timeout(60_000);
  const place = new Workplace();

  after(() => place.close());

  function assertRefused({ code, stdout, stderr }: Finished, expectedCode: 1 | 2, message: RegExp): void {
    assert.deepEqual([code, stdout], [expectedCode, ''], stderr);
    assert.match(stderr, /^mcp-secrets: [^\n]+\n$/, 'one line');
    assert.match(stderr, message);
  }

  const reveal = async (name: string, ...more: string[]): Promise<string> => place.ok(['secret', 'get', name, '--reveal', ...more]);

  describe('set', () => {
    it('takes the value from standard input, without one line break at its end', async () => {
      const endings: [string, string][] = [
        ['value', 'value'],
        ['value\n', 'value'],
        ['value\r\n', 'value'],
        ['value\n\n', 'value\n'],
        ['value\r', 'value\r'],
        [' value ', ' value '],
        ['a\nb\n', 'a\nb'],
        ['ä😀\n', 'ä😀'],
      ];
      for (const [input, expected] of endings) {
        await place.ok(['secret', 'set', 'ending'], input);
        assert.equal(await reveal('ending'), expected, JSON.stringify(input));
      }
    });

    it('says the normalised name and the version, never the value', async () => {
      const value = newCanary();
      place.watch(value);
      assert.equal(await place.ok(['secret', 'set', 'github-token'], value), 'GITHUB_TOKEN is set (version 1).\n');
      assert.equal(await place.ok(['secret', 'set', 'GitHub Token'], value), 'GITHUB_TOKEN is set (version 2).\n');
    });

    it('keeps any bytes', async () => {
      const bytes = Buffer.from([0, 255, 10, 13, 128]);
      const { code } = await place.cli(['secret', 'set', 'bytes'], { input: bytes });
      assert.equal(code, 0);
      assert.equal(await reveal('bytes'), bytes.toString());
    });

    it('keeps scopes apart', async () => {
      await place.ok(['secret', 'set', 'scoped', '--scope', 'team'], 'of the team');
      await place.ok(['secret', 'set', 'scoped'], 'of the workspace');
      assert.equal(await reveal('scoped', '--scope', 'team'), 'of the team');
      assert.equal(await reveal('scoped'), 'of the workspace');
    });

    it('refuses an empty value, a value that is too long, a name that is none', async () => {
      for (const input of ['', '\n']) assertRefused(await place.cli(['secret', 'set', 'A'], { input }), 1, /The value of A is empty/);
      const limit = 64 * 1024;
      await place.ok(['secret', 'set', 'LONG'], 'x'.repeat(limit));
      assertRefused(
        await place.cli(['secret', 'set', 'A'], { input: 'x'.repeat(limit + 1) }),
        1,
        /The value of A has 65537 bytes; at most 65536/,
      );
      assertRefused(await place.cli(['secret', 'set', 'A'], { input: 'x'.repeat(300_000) }), 1, /at most 65536/);
      for (const name of ['$$$', '', 'x'.repeat(129)])
        assertRefused(await place.cli(['secret', 'set', name], { input: 'v' }), 1, /cannot be the name of a secret/);
    });

    it('two at once do not lose each other', async () => {
      const names = Array.from({ length: 6 }, (_, n) => `AT_ONCE_${String(n)}`);
      await Promise.all(names.map((name) => place.ok(['secret', 'set', name], `value of ${name}`)));
      for (const name of names) assert.equal(await reveal(name), `value of ${name}`);
    });
  });

  describe('list', () => {
    it('--json: names and metadata, no values', async () => {
      const listed = JSON.parse(await place.ok(['secret', 'list', '--json'])) as ListedSecret[];
      const token = listed.find(({ name }) => name === 'GITHUB_TOKEN');
      assert.deepEqual(Object.keys(token ?? {}).sort(), ['createdAt', 'name', 'scope', 'state', 'updatedAt', 'version']);
      assert.deepEqual([token?.version, token?.scope], [2, 'workspace']);
      for (const time of [token?.createdAt, token?.updatedAt]) assert.match(time ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      assert.ok((token?.createdAt ?? '') <= (token?.updatedAt ?? ''));
    });

    it('as a table', async () => {
      const lines = (await place.ok(['secret', 'list'])).split('\n');
      assert.match(lines[0] ?? '', /^NAME +SCOPE +VERSION +CREATED +UPDATED +EXPIRES +STATE$/);
      assert.ok(lines.some((line) => /^GITHUB_TOKEN +workspace +2 +\d{4}-/.test(line)));
    });

    it('of a new workspace', async () => {
      const other = new Workplace();
      assert.equal(await other.ok(['secret', 'list']), 'No secrets. Add one with "mcp-secrets secret set NAME".\n');
      assert.equal(await other.ok(['secret', 'list', '--json']), '[]\n');
      await other.close();
    });
  });

  describe('get', () => {
    it('prints nothing without --reveal', async () => {
      assertRefused(await place.cli(['secret', 'get', 'GITHUB_TOKEN']), 1, /GITHUB_TOKEN is printed only with --reveal/);
    });

    it('is recorded', async () => {
      const before = place.auditEntries().filter(({ action }) => action === 'secret.reveal').length;
      await reveal('scoped');
      const [line] = place
        .auditEntries()
        .filter(({ action }) => action === 'secret.reveal')
        .slice(before);
      assert.deepEqual([line?.actor, line?.secrets, line?.outcome], ['cli', ['SCOPED'], 'ok']);
    });

    it('a secret that is not there', async () => {
      assertRefused(await place.cli(['secret', 'get', 'none', '--reveal']), 1, /The secret NONE does not exist\. Add it with/);
    });
  });

  it('delete', async () => {
    await place.ok(['secret', 'set', 'gone'], 'x');
    assert.equal(await place.ok(['secret', 'delete', 'gone']), 'GONE is deleted.\n');
    assertRefused(await place.cli(['secret', 'delete', 'gone']), 1, /The secret GONE does not exist/);
    const lines = place.auditEntries().filter(({ secrets }) => secrets?.includes('GONE'));
    assert.deepEqual(
      lines.map(({ action }) => action),
      ['secret.set', 'secret.delete'],
    );
  });

  describe('where it is kept', () => {
    it('files are for this user alone, and the workspace is left alone', () => {
      for (const file of [place.keyFile, place.vaultFile, join(place.stateFolder, 'audit.jsonl')]) {
        assert.equal(statSync(file).mode & 0o777, 0o600, file);
      }
      for (const folder of [place.state, join(place.state, 'workspaces'), place.stateFolder]) {
        assert.equal(statSync(folder).mode & 0o777, 0o700, folder);
      }
      assert.throws(() => statSync(join(place.workspace, '.vscode')), /ENOENT/);
    });

    it('HOME/.mcp-secrets when MCP_SECRETS_HOME is not set', async () => {
      await place.cli(['secret', 'set', 'X'], { input: 'y', env: { MCP_SECRETS_HOME: '' } });
      assert.ok(statSync(join(place.home, '.mcp-secrets', 'key')).isFile());
    });

    it('the key where MCP_SECRETS_KEY_FILE says', async () => {
      const other = new Workplace();
      const path = join(other.root, 'elsewhere', 'root.key');
      const { code } = await other.cli(['secret', 'set', 'X'], { input: 'y', env: { MCP_SECRETS_KEY_FILE: path } });
      assert.equal(code, 0);
      assert.match(readFileSync(path, 'utf8'), /^[A-Za-z0-9+/]{43}=\n$/);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assertRefused(await other.cli(['secret', 'get', 'X', '--reveal']), 1, /The key of this vault is gone/);
      await other.close();
    });

    it('each workspace has a vault of its own', async () => {
      const folder = join(place.root, 'second');
      const { code, stdout } = await place.cli(['secret', 'list', '--json', '--workspace', place.home]);
      assert.deepEqual([code, stdout], [0, '[]\n']);
      assertRefused(await place.cli(['secret', 'list', '--workspace', folder]), 2, /is not a folder/);
    });
  });

  it('wrong usage: exit code 2, one line that leads to the help', async () => {
    const wrong: [string[], RegExp][] = [
      [[], /Nothing to do/],
      [['secret'], /There is no command "secret"/],
      [['secrets', 'list'], /There is no command "secrets list"/],
      [['secret', 'show', 'A'], /There is no command "secret show"/],
      [['secret', 'set'], /"secret set" needs a name/],
      [['secret', 'set', 'A', 'B'], /A value is not given on the command line, where others see it/],
      [['secret', 'set', 'A', '--value', 'x'], /--value/],
      [['secret', 'list', '--reveal'], /--reveal makes no sense here/],
      [['secret', 'list', '--', 'x'], /"--" is for the command of a new server/],
      [['secret', 'get', 'A', '--scope'], /--scope/],
    ];
    for (const [args, message] of wrong) {
      const finished = await place.cli(args);
      assertRefused(finished, 2, message);
      assert.match(finished.stderr, /See "mcp-secrets --help"\.\n$/);
    }
  });

  it('--help and --version', async () => {
    const help = await place.ok(['--help']);
    for (const words of ['secret set NAME', 'server add NAME --url URL', 'serve [--port N]', 'call SERVER TOOL', '--workspace DIR']) {
      assert.ok(help.includes(words), words);
    }
    assert.equal(await place.ok(['secret', 'set', '-h']), help);
    assert.match(await place.ok(['--version']), /^\d+\.\d+\.\d+\n$/);
  });
});
