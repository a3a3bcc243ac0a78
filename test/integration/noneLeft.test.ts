import assert from 'node:assert/strict';
import { Agent } from './support/agent';
import { newCanary } from './support/canaries';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { allProcesses, canLook, environmentText, isRunning, killLeft, leftOf, textAt } from './support/processes';
import { scripted, textOf, valueOf } from './support/scripted';
import type { OwnEnvironment } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

/** Fields of /proc/PID/stat after the name: parent, group and session. 0 if it has ended. */
function kinOf(pid: number): { parent: number; group: number; session: number } {
  const [, parent = 0, group = 0, session = 0] = textAt(`/proc/${String(pid)}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number);
  return { parent, group, session };
}

/** The watchdog of a process. */
function watchdogsOf(pid: number): number[] {
  return allProcesses()
    .filter((seen) => seen.commandLine.startsWith('/bin/sh -c trap') && isRunning(seen.pid) && kinOf(seen.pid).parent === pid)
    .map((seen) => seen.pid);
}

describe('when the proxy is killed', function () {
  this.timeout(120_000);
  let place: Workplace;
  let serving: Serving;
  let agents: Agent[];

  beforeEach(async function () {
    if (!canLook) this.skip();
    place = new Workplace();
    agents = [];
    await place.secret('TOKEN', newCanary());
    await place.addStdio('deaf', scripted('--stubborn'), 'TOKEN');
    serving = await place.serve();
  });

  afterEach(() => {
    for (const agent of agents) agent.close();
    killLeft(place.root);
  });

  async function start(): Promise<{ agent: Agent; pid: number }> {
    const agent = new Agent(serving, 'deaf');
    agents.push(agent);
    await agent.initialize();
    return { agent, pid: (valueOf(await agent.tool('env')) as OwnEnvironment).pid };
  }

  it('children and what they started end with it, though they ignore SIGTERM and the end of their input', async () => {
    const pids: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { agent, pid } = await start();
      pids.push(pid, Number(textOf(await agent.tool('spawn', { stubborn: 'yes' }))));
    }
    const [dog = 0, ...more] = watchdogsOf(serving.pid);
    assert.deepEqual(more, [], 'there is one watchdog for all');
    assert.ok(pids.every(isRunning));
    await serving.end('SIGKILL');
    await until('the end of all', () => !pids.some(isRunning));
    await until('the end of the watchdog', () => !isRunning(dog));
    assert.deepEqual(await leftOf(place.root), []);
  });

  it('the watchdog is in no group of ours, and was given nothing', async () => {
    await start();
    const [dog = 0] = watchdogsOf(serving.pid);
    assert.deepEqual([kinOf(dog).group, kinOf(dog).session], [dog, dog]);
    assert.equal(
      environmentText(dog)
        .replaceAll('\0', ' ')
        .replace(/\b(?:PWD|OLDPWD|SHLVL|_)=\S*/g, '')
        .trim(),
      '',
    );
    await serving.stop();
    await until('the end of the watchdog', () => !isRunning(dog));
  });

  it('a watchdog that was killed is replaced, and the new one knows the children', async () => {
    const { agent, pid } = await start();
    const [first = 0] = watchdogsOf(serving.pid);
    process.kill(first, 'SIGKILL');
    await until('another watchdog', () => watchdogsOf(serving.pid).some((dog) => dog !== first));
    // It has been told of the child when the proxy answers again.
    await agent.tool('env');
    await serving.end('SIGKILL');
    await until('the end of the child', () => !isRunning(pid));
  });
});

describe('a child that leaves somebody behind', function () {
  this.timeout(60_000);

  it('who holds its output open and ignores SIGTERM: its calls fail all the same', async function () {
    if (process.platform === 'win32') this.skip();
    const local = await LocalProxy.start({});
    const script = `
      const { spawn } = require('node:child_process');
      spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"], { stdio: ['ignore', 'inherit', 'inherit'] });
      process.stdin.once('data', () => process.exit(9));`;
    await local.servers({ leaver: { command: process.execPath, args: ['-e', script] } });
    const agent = new Agent(local, 'leaver');
    const { messages } = await agent.initialize();
    assert.equal(messages[0]?.error?.data?.kind, 'childExited');
    agent.close();
    await local.close();
  });
});
