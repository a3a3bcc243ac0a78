import assert from 'node:assert/strict';
import { openSync, closeSync, existsSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { cliPath, run, startNode } from './support/programs';
import { scripted, textOf } from './support/scripted';
import { Serving } from './support/serving';
import { Workplace } from './support/workplace';

describe('mcp-secrets when nobody reads what it prints', function () {
  this.timeout(60_000);
  let place: Workplace;

  beforeEach(() => {
    place = new Workplace();
  });

  afterEach(() => place.close());

  /** Runs the command line with a standard output that has no reader, or no standard error, either. */
  async function unread(args: readonly string[], also?: 'stderr'): Promise<[code: number | undefined, stderr: string]> {
    const child = startNode(cliPath, args, place.env, place.workspace);
    // Long before it can print anything.
    child.stdout.destroy();
    if (also !== undefined) child.stderr.destroy();
    const { code, stderr } = await run(child, '');
    return [code, stderr];
  }

  const recorded = (): string[] => place.auditEntries().map(({ action }) => action);

  it('what it has done is on record, and no failure', async () => {
    await place.secret('A', newPlainCanary());
    await place.secret('B', newPlainCanary());
    for (const args of [
      ['secret', 'delete', 'B'],
      ['agent', 'add', 'foo'],
      ['secret', 'get', 'A', '--reveal'],
      ['audit', 'tail', '--follow'],
      ['audit', 'verify', '--json'],
      ['audit', 'export', '--format', 'csv'],
      ['--help'],
    ])
      assert.deepEqual(await unread(args), [0, ''], args.join(' '));
    assert.deepEqual(recorded(), ['secret.set', 'secret.set', 'secret.delete', 'agent.issue', 'secret.reveal', 'audit.export']);
  });

  it('what has failed has its exit code', async () => {
    assert.deepEqual(await unread(['nonsense'], 'stderr'), [2, '']);
    assert.deepEqual(await unread(['secret', 'delete', 'A'], 'stderr'), [1, '']);
  });

  it('a result that finds no room is told, and what was done is on record', async function () {
    if (!existsSync('/dev/full')) this.skip();
    await place.secret('A', newPlainCanary());
    const full = openSync('/dev/full', 'w');
    try {
      for (const args of [['secret', 'delete', 'A'], ['serve']]) {
        const child = spawn(process.execPath, [cliPath, ...args], {
          cwd: place.workspace,
          env: place.env,
          stdio: ['ignore', full, 'pipe'],
        });
        let told = '';
        child.stderr?.setEncoding('utf8').on('data', (text: string) => (told += text));
        assert.equal(await new Promise((resolve) => child.on('close', resolve)), 1);
        assert.match(told, /^mcp-secrets: The result could not be written to standard output \(ENOSPC\)[^\n]*\n$/m);
      }
    } finally {
      closeSync(full);
    }
    assert.deepEqual(recorded(), ['secret.set', 'secret.delete']);
  });

  it('a value is on record before it is printed', async () => {
    await place.secret('A', newPlainCanary());
    const child = startNode(cliPath, ['secret', 'get', 'A', '--reveal'], place.env, place.workspace);
    const before = await new Promise((resolve) => child.stdout.once('data', () => resolve(recorded())));
    assert.deepEqual(before, ['secret.set', 'secret.reveal']);
    await new Promise((resolve) => child.once('close', resolve));
  });

  it('serve goes on', async () => {
    await place.addStdio('loud', ['/bin/sh', '-c', 'echo loud >&2; exec "$@"', 'sh', ...scripted()]);
    const child = startNode(cliPath, ['serve'], place.env, place.workspace);
    const serving = await Serving.start(child);
    child.stderr.destroy();
    try {
      for (let times = 0; times < 2; times += 1) {
        const agent = new Agent(serving, 'loud');
        await agent.initialize();
        await agent.call('tools/list');
        assert.match(textOf(await agent.call('tools/call', { name: 'env', arguments: {} })), /"pid"/);
      }
    } finally {
      assert.equal(await serving.end(), 0);
    }
  });
});
