import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/folders';

const MAIN = join(__dirname, '../../../src/cli/main.ts');

describe('the command line', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();

  const run = (args: readonly string[], input = ''): { code: number | null; out: string; err: string } => {
    const workspace = join(folder(), 'workspace');
    mkdirSync(workspace, { recursive: true });
    const env = { PATH: process.env.PATH, HOME: folder(), MCP_SECRETS_HOME: join(folder(), 'state') };
    const done = spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...args, '--workspace', workspace], {
      env,
      input,
      cwd: join(__dirname, '../../..'),
      encoding: 'utf8',
    });
    return { code: done.status, out: done.stdout, err: done.stderr };
  };

  // Each is a process of its own: what there is to get wrong is in arguments.test.ts and in test/integration.
  for (const args of [['nonsense'], ['secret', 'list', '--url', 'x']]) {
    it(`answers wrong usage with code 2 and one line: ${args.join(' ')}`, () => {
      const { code, out, err } = run(args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, /^mcp-secrets: [^\n]+See "mcp-secrets --help"\.\n$/);
    });
  }

  it('does not repeat a value that was given as an argument, nor keep it', () => {
    const { code, out, err } = run(['secret', 'set', 'TOKEN', 'hunter2-hunter2']);
    assert.deepEqual([code, out], [2, '']);
    assert.doesNotMatch(err, /hunter2/);
    assert.match(err, /standard input/);
    assert.ok(!existsSync(join(folder(), 'state')));
  });
});
