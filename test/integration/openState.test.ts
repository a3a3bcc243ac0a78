import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Workplace } from './support/workplace';

describe('state that others can get at', function () {
  this.timeout(60_000);
  const place = new Workplace();

  before(async function () {
    if (process.platform === 'win32') this.skip();
    await place.ok(['secret', 'set', 'TOKEN'], 'value');
    await place.addHttp('one', 'http://127.0.0.1:9/mcp', 'TOKEN=bearer');
  });

  after(() => place.close());

  const reveal = ['secret', 'get', 'TOKEN', '--reveal'];
  for (const [what, pathOf, mode, commands] of [
    ['home', () => place.state, 0o755, [reveal, ['secret', 'list'], ['server', 'list'], ['serve']]],
    ['folder of the vault', () => dirname(place.vaultFile), 0o710, [reveal, ['secret', 'list']]],
    ['vault', () => place.vaultFile, 0o644, [reveal, ['secret', 'list'], ['secret', 'delete', 'TOKEN']]],
    ['key', () => place.keyFile, 0o660, [reveal]],
    ['approvals', () => join(dirname(place.vaultFile), 'approvals.json'), 0o606, [['server', 'approve', 'one']]],
  ] as const) {
    it(`the ${what}: refused until the command is run that the message names`, async () => {
      chmodSync(pathOf(), mode);
      let fix = '';
      for (const args of commands) {
        const { code, stdout, stderr } = await place.cli(args);
        assert.deepEqual([code, stdout], [1, ''], args.join(' '));
        const said =
          /^mcp-secrets: (.*) can be read or written by others \(mode (\d+)\), so it is not used\. Run "(.*)", then try again\.\n$/.exec(
            stderr,
          );
        assert.deepEqual([said?.[1], said?.[2]], [pathOf(), `0${mode.toString(8)}`], stderr);
        fix = said?.[3] ?? '';
      }
      execFileSync('sh', ['-c', fix]);
      for (const args of commands) if (args[0] === 'secret' && args[1] !== 'delete') await place.ok(args);
      assert.equal(await place.ok(reveal), 'value');
    });
  }
});
