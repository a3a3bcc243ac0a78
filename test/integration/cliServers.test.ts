import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { newPlainCanary } from './support/canaries';
import type { Finished } from './support/programs';
import { Workplace } from './support/workplace';

interface Listed {
  readonly servers: readonly {
    readonly name: string;
    readonly type: string;
    readonly target: string;
    readonly approved: boolean;
    readonly secrets: readonly { readonly name: string; readonly as: string; readonly sentAs: string }[];
    readonly scope?: string;
  }[];
  readonly problems: readonly unknown[];
}

describe('mcp-secrets server', function () {
  this.timeout(60_000);
  let place: Workplace;

  beforeEach(() => {
    place = new Workplace();
  });

  afterEach(() => place.close());

  function assertRefused({ code, stdout, stderr }: Finished, expectedCode: 1 | 2, message: RegExp): void {
    assert.deepEqual([code, stdout], [expectedCode, ''], stderr);
    assert.match(stderr, /^mcp-secrets: [^\n]+\n$/, 'one line');
    assert.match(stderr, message);
  }

  async function list(): Promise<Listed> {
    return JSON.parse(await place.ok(['server', 'list', '--json'])) as Listed;
  }

  const file = (): string => readFileSync(place.serversFile, 'utf8');

  it('add --url: shows the plan, approves it, and says which secrets are missing', async () => {
    await place.secret('TOKEN', newPlainCanary());
    const output = await place.ok([
      'server',
      'add',
      'web',
      '--url',
      'https://example.com/mcp',
      '--secret',
      'token=bearer',
      '--secret',
      'other-key',
    ]);
    assert.equal(
      output,
      [
        'Connects to: https://example.com/mcp',
        'Secret: TOKEN as bearer token',
        'Secret: OTHER_KEY as header X-Mcp-Secret-OTHER-KEY',
        'Server "web" is added and approved.',
        'Not set yet: OTHER_KEY as header X-Mcp-Secret-OTHER-KEY. "mcp-secrets secret set OTHER_KEY" sets it.',
        '',
      ].join('\n'),
    );
    assert.deepEqual(JSON.parse(file()), {
      servers: { web: { type: 'http', url: 'https://example.com/mcp', secrets: { TOKEN: 'bearer', OTHER_KEY: 'header' } } },
    });
    assert.deepEqual(await list(), {
      servers: [
        {
          name: 'web',
          type: 'http',
          target: 'https://example.com/mcp',
          secrets: [
            { name: 'TOKEN', as: 'bearer', sentAs: 'Authorization' },
            { name: 'OTHER_KEY', as: 'header', sentAs: 'X-Mcp-Secret-OTHER-KEY' },
          ],
          approved: true,
        },
      ],
      problems: [],
    });
  });

  it('add -- command: everything after "--" belongs to the command', async () => {
    const output = await place.ok([
      'server',
      'add',
      'child',
      '--secret',
      'KEY',
      '--',
      'npx',
      '-y',
      'a server',
      '--port',
      '1',
      '--',
      '--json',
    ]);
    assert.match(output, /^Starts: npx -y "a server" --port 1 -- --json$/m);
    assert.match(output, /^Secret: KEY as environment variable KEY$/m);
    assert.deepEqual(JSON.parse(file()), {
      servers: {
        child: { type: 'stdio', command: 'npx', args: ['-y', 'a server', '--port', '1', '--', '--json'], secrets: { KEY: 'env' } },
      },
    });
  });

  it('add shows what cannot be seen', async () => {
    assert.match(await place.ok(['server', 'add', 'x', '--', 'sh', '-c', 'a\u202eb\nc']), /^Starts: sh -c "a\\\\u202eb\\\\u000ac"$/m);
  });

  it('add keeps comments and style of the file', async () => {
    await place.servers('{\n\t// ours\n\t"servers": {\n\t\t"a": { "url": "https://a.example/" }, // first\n\t},\n}\n');
    await place.addHttp('b', 'https://b.example/');
    for (const part of [/^\{\n\t\/\/ ours\n\t"servers": \{\n\t\t"a": /, /\/\/ first$/m, /^\t\t"b": \{$/m]) assert.match(file(), part);
    const { servers } = await list();
    assert.deepEqual(
      servers.map(({ name, approved }) => [name, approved]),
      [
        ['a', false],
        ['b', true],
      ],
    );
  });

  it('add refuses what cannot be, and changes nothing', async () => {
    const wrong: [string[], 1 | 2, RegExp][] = [
      [['add', 'a'], 2, /Give either --url URL or a command after "--"/],
      [['add', 'a', '--url', 'https://a.example', '--', 'x'], 2, /Give either/],
      [['add', 'a', '--'], 2, /Give either/],
      [['add', 'a', 'npx'], 2, /a command goes after "--"/],
      [['add'], 2, /needs a name/],
      [['add', '../a', '--url', 'https://a.example'], 1, /cannot be the name of a server/],
      [['add', 'a', '--url', 'ftp://a.example'], 1, /must be an http:\/\/ or https:\/\/ address/],
      [['add', 'a', '--url', 'https://u:p@a.example'], 1, /without a user name, password/],
      [['add', 'a', '--url', 'https://a.example', '--secret', 'K=env'], 1, /"env" is not possible for http servers/],
      [['add', 'a', '--url', 'https://a.example', '--secret', 'K=cookie'], 2, /"cookie" is not a mode\. Use header, bearer, body or env/],
      [['add', 'a', '--url', 'https://a.example', '--secret', '--'], 2, /--secret/],
      [['add', 'a', '--secret', 'K=header', '--', 'x'], 1, /"header" is not possible for stdio servers/],
      [['add', 'a', '--url', 'https://a.example', '--json'], 2, /--json makes no sense here/],
      [
        ['add', 'a', '--url', 'https://a.example', '--secret', 'K=bearer', '--secret', 'L=bearer'],
        1,
        /Two secrets are sent as "Authorization"/,
      ],
    ];
    for (const [args, code, message] of wrong) assertRefused(await place.cli(['server', ...args]), code, message);
    assert.equal(await place.ok(['server', 'list']), 'No servers. Add one with "mcp-secrets server add NAME".\n');
  });

  it('a file with a syntax error is not edited', async () => {
    await place.servers('{ "servers": { ');
    assertRefused(await place.cli(['server', 'add', 'a', '--url', 'https://a.example']), 1, /Syntax error/);
    assertRefused(await place.cli(['server', 'remove', 'a']), 1, /Syntax error/);
    assert.equal(file(), '{ "servers": { ');
  });

  it('update replaces bindings and address; an approval stays', async () => {
    await place.addHttp('a', 'https://a.example/', 'ONE=bearer', 'TWO');
    const output = await place.ok(['server', 'update', 'a', '--url', 'https://b.example/', '--secret', 'TWO=body']);
    assert.match(output, /^Connects to: https:\/\/b\.example\/\nSecret: TWO as body key TWO\nServer "a" is updated\.\n/);
    const { servers } = await list();
    assert.deepEqual(servers, [
      { name: 'a', type: 'http', target: 'https://b.example/', secrets: [{ name: 'TWO', as: 'body', sentAs: 'TWO' }], approved: true },
    ]);
  });

  it('update leaves what is not given: bindings with header, template and tools, policy and limits', async () => {
    const rest = {
      secrets: { ONE: { as: 'header', name: 'X-Key', template: 'Token ${value}', tools: ['a'] }, TWO: 'body' },
      policy: { rules: [{ tools: '*', action: 'allow' }] },
      limits: { callTimeout: '10m' },
    };
    await place.servers({ a: { url: 'https://a.example/', ...rest } }, 'a');
    await place.ok(['server', 'update', 'a', '--url', 'https://b.example/']);
    await place.ok(['server', 'update', 'a', '--scope', 'job']);
    assert.deepEqual(JSON.parse(file()), { servers: { a: { url: 'https://b.example/', ...rest, scope: 'job' } } });
    const { servers } = await list();
    assert.deepEqual(
      servers.map(({ approved }) => approved),
      [true],
    );
    await place.ok(['server', 'update', 'a', '--secret', 'TWO']);
    assert.deepEqual(JSON.parse(file()), {
      servers: { a: { url: 'https://b.example/', ...rest, secrets: { TWO: 'header' }, scope: 'job' } },
    });
    assertRefused(await place.cli(['server', 'update', 'a']), 2, /Give --url, --secret or --scope/);
  });

  it('add leaves a server that there is, be it one with problems', async () => {
    const there = {
      a: { url: 'https://a.example/', policy: { default: 'deny' }, limits: { rate: '1/m' } },
      broken: { url: 'ftp://a.example/' },
    };
    await place.servers(there);
    for (const name of ['a', 'broken'])
      assertRefused(
        await place.cli(['server', 'add', name, '--url', 'https://b.example/']),
        1,
        new RegExp(`There is a server "${name}" already.*"mcp-secrets server update ${name}".*"mcp-secrets server remove ${name}"`),
      );
    assert.deepEqual(JSON.parse(file()), { servers: there });
    assert.equal((await list()).servers[0]?.approved, false);
    await place.ok(['server', 'remove', 'broken']);
    await place.ok(['server', 'add', 'broken', '--url', 'https://b.example/']);
  });

  it('scope switches an approved server at once, and back; the list shows it', async () => {
    await place.secret('K', newPlainCanary());
    await place.addHttp('a', 'https://a.example/', 'K=bearer');
    const switched = await place.cli(['server', 'scope', 'a', 'github-work']);
    assert.deepEqual(
      [switched.code, switched.stdout, switched.stderr],
      [
        0,
        'Server "a" uses the secrets of the scope "github-work".\n',
        'Not set yet: K as bearer token. "mcp-secrets secret set K --scope github-work" sets it.\n',
      ],
    );
    assert.deepEqual((await list()).servers[0], {
      name: 'a',
      type: 'http',
      target: 'https://a.example/',
      secrets: [{ name: 'K', as: 'bearer', sentAs: 'Authorization' }],
      scope: 'github-work',
      approved: true,
    });
    assert.match(await place.ok(['server', 'list']), /^a +http +approved +github-work\/K +https:\/\/a\.example\/$/m);
    assert.equal((JSON.parse(file()) as { servers: { a: { scope?: string } } }).servers.a.scope, 'github-work');
    const back = await place.cli(['server', 'scope', 'a', 'workspace']);
    assert.deepEqual([back.code, back.stdout, back.stderr], [0, 'Server "a" uses the secrets of the scope "workspace".\n', '']);
    assert.doesNotMatch(file(), /scope/);
    assert.equal((await list()).servers[0]?.approved, true);
    const switches = await place.audited(2, ({ action }) => action === 'scope.switch');
    assert.deepEqual(
      switches.map(({ actor, server, scope, outcome }) => [actor, server, scope, outcome]),
      [
        ['cli', 'a', 'github-work', 'ok'],
        ['cli', 'a', undefined, 'ok'],
      ],
    );
  });

  it('scope of a server that nobody has approved does not approve it', async () => {
    await place.servers({ a: { url: 'https://evil.example/', secrets: { K: 'bearer' } } });
    assert.match(await place.ok(['server', 'scope', 'a', 'user']), /and not approved yet: "mcp-secrets server approve a"/);
    assert.equal((await list()).servers[0]?.approved, false);
    assert.match(await place.ok(['server', 'approve', 'a']), /^From scope: user$/m);
  });

  it('add and update take a scope', async () => {
    assert.match(await place.ok(['server', 'add', 'a', '--secret', 'K', '--scope', 'user', '--', 'true']), /^From scope: user$/m);
    await place.ok(['server', 'add', 'b', '--url', 'https://b.example/', '--scope', 'workspace']);
    assert.deepEqual(
      (await list()).servers.map(({ scope, approved }) => [scope, approved]),
      [
        ['user', true],
        [undefined, true],
      ],
    );
    await place.ok(['server', 'update', 'a', '--scope', 'job', '--secret', 'L']);
    const [first] = (await list()).servers;
    assert.deepEqual([first?.scope, first?.secrets.map(({ name }) => name), first?.approved], ['job', ['L'], true]);
  });

  it('a scope that cannot be is refused, and changes nothing', async () => {
    await place.addHttp('a', 'https://a.example/');
    const before = file();
    for (const scope of ['../user', 'a b', '', 'x'.repeat(65)])
      assertRefused(await place.cli(['server', 'scope', 'a', scope]), 1, /A scope has 1 to 64 letters, digits/);
    assertRefused(await place.cli(['server', 'scope', 'b', 'user']), 1, /There is no server "b"/);
    assertRefused(await place.cli(['server', 'scope', 'a']), 2, /needs a scope/);
    assert.equal(file(), before);
  });

  it('update of a server that was not approved does not approve it', async () => {
    await place.servers({ a: { url: 'https://a.example/' } });
    assert.match(
      await place.ok(['server', 'update', 'a', '--secret', 'K']),
      /updated, and not approved yet: "mcp-secrets server approve a"/,
    );
    assert.equal((await list()).servers[0]?.approved, false);
    await place.addHttp('b', 'https://b.example/');
    await place.servers({ b: { url: 'https://evil.example/' } });
    await place.ok(['server', 'update', 'b', '--secret', 'K']);
    assert.equal((await list()).servers[0]?.approved, false, 'the approved plan was another one');
  });

  it('update keeps the mode default of the type', async () => {
    await place.addStdio('a', ['true'], 'K');
    assertRefused(await place.cli(['server', 'update', 'a', '--url', 'https://a.example']), 1, /./);
    await place.ok(['server', 'update', 'a', '--secret', 'L']);
    assert.deepEqual((await list()).servers[0]?.secrets, [{ name: 'L', as: 'env', sentAs: 'L' }]);
  });

  it('approve shows the plan and approves it; list shows the state', async () => {
    await place.servers({
      a: { url: 'https://a.example/', headers: { 'X-Team': 'blue' }, secrets: { K: { as: 'header', template: 'Token ${value}' } } },
    });
    assert.match(await place.ok(['server', 'list']), /^a +http +not approved +K +https:\/\/a\.example\/$/m);
    const output = await place.ok(['server', 'approve', 'a']);
    assert.match(
      output,
      /^Connects to: https:\/\/a\.example\/\nHeader: X-Team: blue\nSecret: K as header X-Mcp-Secret-K: "Token \$\{value\}"\nServer "a" is approved\.\n/,
    );
    assert.match(await place.ok(['server', 'list']), /^a +http +approved /m);
  });

  it('remove takes the server and its approval, and leaves the secrets', async () => {
    await place.secret('K', newPlainCanary());
    await place.addHttp('a', 'https://a.example/', 'K');
    assert.equal(await place.ok(['server', 'remove', 'a']), 'Server "a" is removed. Its secrets are still in the vault.\n');
    assert.deepEqual((await list()).servers, []);
    assert.match(await place.ok(['secret', 'list']), /^K /m);
    await place.servers({ a: { type: 'http', url: 'https://a.example/', secrets: { K: 'header' } } });
    assert.equal((await list()).servers[0]?.approved, false, 'an old approval does not come back');
  });

  it('unknown servers: exit code 1, with those that there are', async () => {
    await place.addHttp('a', 'https://a.example/');
    for (const verb of ['update', 'remove', 'approve']) {
      assertRefused(await place.cli(['server', verb, 'b']), 1, /There is no server "b" in the servers file\. Known: a\./);
    }
    assertRefused(await place.cli(['server', 'list', 'a']), 2, /"a" is one word too many/);
  });

  it('changes are recorded', async () => {
    await place.addHttp('a', 'https://a.example/', 'K');
    await place.ok(['server', 'update', 'a', '--secret', 'L']);
    await place.ok(['server', 'remove', 'a']);
    const done = place.auditEntries().map(({ action, actor, server, outcome }) => `${action} ${actor} ${server ?? ''} ${outcome}`);
    const expected = ['server.add', 'server.approve', 'server.update', 'server.approve', 'server.remove', 'server.revoke'];
    assert.deepEqual(done.sort(), expected.map((action) => `${action} cli a ok`).sort());
  });
});
