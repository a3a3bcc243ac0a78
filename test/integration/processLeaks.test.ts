import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from './support/agent';
import { findInProcesses, findMeanwhile, newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { canLook, environmentOf, isRunning } from './support/processes';
import { scripted, textOf, valueOf } from './support/scripted';
import type { OwnEnvironment } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

describe('environments and command lines of all processes', function () {
  this.timeout(120_000);
  const place = new Workplace();
  const own = newPlainCanary();
  const users = newPlainCanary();
  const others = newPlainCanary();
  const former = newPlainCanary();
  const passphrase = newPlainCanary();
  const all = [own, users, others, former, passphrase];
  let outside = '';
  let env: Record<string, string> = {};
  let serving: Serving;
  const agents: Agent[] = [];
  /** The children that are meant to have a value. */
  const meant: number[] = [];

  before(async function () {
    if (!canLook) this.skip();
    outside = realpathSync(mkdtempSync(join(tmpdir(), 'mcps-outside-')));
    const file = join(outside, 'passphrase');
    writeFileSync(file, `${passphrase}\n`, { mode: 0o600 });
    env = { MCP_SECRETS_PASSPHRASE_FILE: file };
    for (const [name, value, scope] of [
      ['TOKEN', former, 'workspace'],
      ['TOKEN', own, 'workspace'],
      ['SHARED', users, 'user'],
      ['OTHER', others, 'workspace'],
    ] as const) {
      place.watch(value);
      const set = place.cli(['secret', 'set', name, '--scope', scope], { input: value, env });
      assert.deepEqual(await findMeanwhile(place.root, all, set), [], 'while it is set');
      assert.equal((await set).code, 0);
    }
    const protect = place.cli(['key', 'protect'], { env });
    assert.deepEqual(await findMeanwhile(place.root, all, protect), [], 'while the key gets its passphrase');
    assert.equal((await protect).code, 0);
    for (const args of [
      ['bound', '--secret', 'TOKEN=env'],
      ['shared', '--secret', 'SHARED=env', '--scope', 'user'],
      ['body', '--secret', 'OTHER=body'],
      ['free'],
    ]) {
      const { code, stderr } = await place.cli(['server', 'add', ...args, '--', ...scripted()], { env });
      assert.equal(code, 0, stderr);
    }
    serving = await place.serve([], env);
  });

  after(async () => {
    await endSessions();
    await place.close();
    rmSync(outside, { recursive: true, force: true });
  });

  async function endSessions(): Promise<void> {
    for (const agent of agents.splice(0)) {
      await agent.send('DELETE');
      agent.close();
    }
    await until('the children have ended', () => meant.every((pid) => !isRunning(pid)));
  }

  async function started(server: string): Promise<{ agent: Agent; pid: number }> {
    const agent = new Agent(serving, server);
    agents.push(agent);
    await agent.initialize();
    return { agent, pid: (valueOf(await agent.tool('env')) as OwnEnvironment).pid };
  }

  it('hold no value, but for the one that a child is bound to, in that child', async () => {
    const [bound, shared, body, free] = [await started('bound'), await started('shared'), await started('body'), await started('free')];
    const grandchild = Number(textOf(await free.agent.tool('spawn')));
    await until('the grandchild', () => isRunning(grandchild));
    await body.agent.tool('params');
    meant.push(bound.pid, shared.pid);
    assert.deepEqual(findInProcesses(all, meant), []);
    for (const { pid } of [body, free, { pid: serving.pid }, { pid: grandchild }]) assert.ok(isRunning(pid), 'it was looked at');
    const holding = (pid: number): string[] => all.filter((value) => Object.values(environmentOf(pid)).join('\0').includes(value));
    assert.deepEqual(holding(bound.pid), [own]);
    assert.deepEqual(holding(shared.pid), [users]);
    assert.equal(environmentOf(bound.pid).TOKEN, own);
  });

  it('hold none while the command line calls, reveals, backs up and replaces the key', async () => {
    // A key that is replaced replaces children that hold values.
    await endSessions();
    const file = join(place.root, 'leaks.age');
    for (const args of [
      ['call', 'body', 'params'],
      ['secret', 'get', 'TOKEN', '--reveal'],
      ['backup', 'create', file, '--passphrase-file', env.MCP_SECRETS_PASSPHRASE_FILE ?? ''],
      ['key', 'rotate'],
    ]) {
      const command = place.cli(args, { env });
      assert.deepEqual(await findMeanwhile(place.root, all, command, meant), [], args.join(' '));
      const { code, stderr } = await command;
      assert.equal(code, 0, stderr);
    }
  });

  it('would be found', async () => {
    const value = newPlainCanary();
    for (const [args, variables] of [
      [['-e', 'setInterval(() => undefined, 1000)', value], {}],
      [['-e', 'setInterval(() => undefined, 1000)'], { PLANTED: Buffer.from(value).toString('hex') }],
    ] as const) {
      const child = spawn(process.execPath, [...args], { env: variables, stdio: 'ignore' });
      await until('it is there', () => findInProcesses([value]).length === 1);
      child.kill('SIGKILL');
      await until('it is gone', () => findInProcesses([value]).length === 0);
    }
  });
});
