import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODE_SCRIPT, Watchdog } from '../../../../src/proxy/upstream/watchdog';
import { silentLogger } from '../../../../src/shared/logger';

/** A process in a group of its own that ends when it is killed. */
class Sleeper {
  readonly #child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  readonly ended = once(this.#child, 'exit') as Promise<[number | null, string | null]>;

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

describe('the watchdog', function () {
  this.timeout(30_000);
  let sleepers: Sleeper[];

  beforeEach(function () {
    if (process.platform === 'win32') this.skip();
    sleepers = [];
  });

  afterEach(() => {
    for (const sleeper of sleepers) sleeper.kill();
  });

  const newSleeper = (): Sleeper => {
    const sleeper = new Sleeper();
    sleepers.push(sleeper);
    return sleeper;
  };

  it('kills the groups that are on its list when its pipe closes, and no others', async () => {
    const dog = new Watchdog(silentLogger);
    const [kept, released, unknown, again] = [newSleeper(), newSleeper(), newSleeper(), newSleeper()];
    dog.guard(kept.pid);
    const release = dog.guard(released.pid);
    dog.guard(again.pid)();
    dog.guard(again.pid);
    release();
    dog.close();
    assert.deepEqual(await kept.ended, [null, 'SIGKILL']);
    assert.deepEqual(await again.ended, [null, 'SIGKILL']);
    assert.ok(released.runs && unknown.runs);
  });

  it('is one for all, is not there without a child, and comes back after its end', async () => {
    const dog = new Watchdog(silentLogger);
    const pidOf = (): number | undefined => dog.pid;
    assert.equal(pidOf(), undefined);
    const first = newSleeper();
    dog.guard(first.pid);
    const pid = pidOf();
    assert.ok(pid !== undefined);
    dog.guard(newSleeper().pid);
    assert.equal(pidOf(), pid);
    dog.close();
    assert.equal(pidOf(), undefined);
    await first.ended;
    const second = newSleeper();
    dog.guard(second.pid);
    assert.notEqual(pidOf(), pid);
    dog.close();
    await second.ended;
  });

  it('does not stop at signals for everybody in its terminal or session', async () => {
    const dog = new Watchdog(silentLogger);
    const sleeper = newSleeper();
    dog.guard(sleeper.pid);
    const pid = dog.pid ?? 0;
    // It has read its script when it ignores HUP, INT, QUIT and TERM.
    const ignores = (): boolean => {
      const [, mask = ''] = /^SigIgn:\s*(\w+)$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
      return (Number.parseInt(mask.slice(-4), 16) & 0x4007) === 0x4007;
    };
    for (let i = 0; i < 500 && !ignores(); i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.kill(pid, signal);
    assert.equal(dog.pid, pid);
    dog.close();
    assert.deepEqual(await sleeper.ended, [null, 'SIGKILL']);
  });

  it('on Windows: ends what is left with taskkill', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcps-taskkill-'));
    writeFileSync(join(folder, 'taskkill'), `#!/bin/sh\necho "$@" >> ${folder}/calls\n`);
    chmodSync(join(folder, 'taskkill'), 0o755);
    const child = spawn(process.execPath, ['-e', NODE_SCRIPT], {
      env: { PATH: `${folder}:/bin:/usr/bin` },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.end('+ 11\n+ 12\n- 11\n+ 13\n');
    await once(child, 'exit');
    assert.equal(readFileSync(join(folder, 'calls'), 'utf8'), '/pid 12 /T /F\n/pid 13 /T /F\n');
    rmSync(folder, { recursive: true });
  });
});
