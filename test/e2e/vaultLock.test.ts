import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { eventually } from '../host/eventually';
import { Workbench } from '../host/workbench';
import { Agent } from '../integration/support/agent';
import type { Answer } from '../integration/support/agent';
import { isRunning } from '../integration/support/processes';
import { scripted, textOf, valueOf } from '../integration/support/scripted';
import type { OwnEnvironment } from '../integration/support/scripted';
import { addSecret, confirmed, titled } from './support/actions';
import { tokenCanary } from './support/canary';
import { pictures } from './support/pictures';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { approve, statusIs, viewSays } from './support/vault';
import { described } from './support/views';

/** The limit of the automatic lock, in minutes: 9 s. */
const LIMIT_MINUTES = 0.15;
/** A longer time between two uses may have locked the vault rightly. It leaves room for clocks that differ. */
const LONGEST_GAP_MS = 7_000;
/** For how long use keeps the vault open. */
const USE_MS = 20_000;

/** What an agent is told. */
function assertLocked(answer: Answer): void {
  const error = answer.messages.at(-1)?.error;
  assert.equal(error?.data?.kind, 'locked', answer.body);
  assert.match(error.message, /The vault is locked\. Unlock it with "MCP Secrets: Unlock Vault"/);
}

describe('lock and panic, while agents work', () => {
  const session = new Session();
  const canary = tokenCanary('ghp_');
  const agents: Agent[] = [];
  let workbench: Workbench;
  let upstream: ScriptedUpstream;
  let port = 0;
  let token = '';

  before(async function () {
    this.timeout(600_000);
    upstream = await ScriptedUpstream.start();
    const [command, ...args] = scripted('--stubborn');
    await session.start({}, (workspace) =>
      writeServersFile(workspace, {
        servers: {
          child: { type: 'stdio', command, args, secrets: { TOKEN: 'env' } },
          web: { type: 'http', url: upstream.url, secrets: { TOKEN: 'bearer' } },
        },
      }),
    );
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    await addSecret(workbench, 'TOKEN', canary);
    for (const server of ['child', 'web']) await approve(workbench, server);
    await newToken();
  });

  after(async () => {
    for (const agent of agents) agent.close();
    await session.dispose();
    await upstream.stop();
  });

  inSteps((name) => workbench.screenshot(name));

  /** Gives an agent outside VS Code access, as a user does. */
  async function newToken(): Promise<void> {
    await workbench.clearNotifications();
    await workbench.runCommand('MCP Secrets: Copy MCP Configuration');
    await titled(workbench, 'Copy MCP Configuration');
    await workbench.quickInput.pick('Other agent');
    await workbench.quickInput.message('The name of the agent');
    await workbench.quickInput.text('Reviewer');
    await workbench.quickInput.pick('Each server by itself');
    await workbench.notifications('2 servers for Reviewer copied.');
    const text = String(await workbench.page.evaluate('navigator.clipboard.readText()'));
    const { url, headers } = (JSON.parse(text) as { mcpServers: { web: { url: string; headers: Record<string, string> } } }).mcpServers.web;
    port = Number(new URL(url).port);
    token = (headers.Authorization ?? '').replace('Bearer ', '');
  }

  function agentOf(server: string): Agent {
    const agent = new Agent({ port, socket: '', token }, server);
    agents.push(agent);
    return agent;
  }

  async function environmentOf(agent: Agent): Promise<OwnEnvironment> {
    return valueOf(await agent.tool('env')) as OwnEnvironment;
  }

  it('panic ends calls that are under way, with a clear error, and everything is refused', async () => {
    const [child, web] = [agentOf('child'), agentOf('web')];
    await child.initialize();
    await web.initialize();
    const { pid, env } = await environmentOf(child);
    assert.ok(isRunning(pid));
    assert.equal(env.TOKEN, '[redacted:TOKEN]');
    upstream.script = ({ message }) => message?.method === 'tools/call';
    const calls = [child.tool('hang'), web.tool('do')];
    await eventually('the calls are at the servers', async () =>
      upstream.of('tools/call').length === 1 && (await child.tool('received')).body.includes('hang') ? true : undefined,
    );
    await described(workbench, 'Servers', 'child', / · (running|1 session)/);
    await workbench.runCommand('MCP Secrets: Panic: Lock and Stop Everything');
    for (const answer of await Promise.all(calls)) assertLocked(answer);
    await eventually('the child is gone', () => (isRunning(pid) ? undefined : true));
    for (const agent of [child, web]) {
      const answer = await agent.tool('env');
      assert.deepEqual([answer.status, answer.messages[0]?.error?.data?.kind], [401, 'tokenWrong']);
    }
    await eventually('no connection is open', async () => ((await upstream.openConnections()) === 0 ? true : undefined));
  });

  it('status bar and views show that the vault is locked', async () => {
    await statusIs(workbench, 'MCP Secrets: Locked');
    await viewSays(workbench, 'Secrets', /^The vault is locked\. Unlock it to use these secrets\.$/);
    await viewSays(workbench, 'Servers', /^The vault is locked: calls are refused until it is unlocked\.$/);
    await described(workbench, 'Servers', 'child', /^stdio · ready · 1 secret$/);
    await workbench.notifications(
      'The vault is locked, servers are stopped, calls have ended, and agents outside VS Code need new tokens.',
    );
    await pictures(workbench, 'vault-1-panic');
    await workbench.clearNotifications();
    await workbench.runCommand('MCP Secrets: Add Secret');
    await workbench.notifications('The vault is locked. Unlock it with "MCP Secrets: Unlock Vault"');
    assert.equal(await workbench.quickInput.isOpen(), false, 'it asks for a secret nevertheless');
  });

  it('a new token does not help before the vault is unlocked', async () => {
    const former = token;
    await newToken();
    assert.notEqual(token, former);
    const before = upstream.received.length;
    for (const server of ['child', 'web']) {
      assertLocked(await agentOf(server).initialize());
      assertLocked(await agentOf(server).tool('env'));
    }
    assert.equal(upstream.received.length, before, 'the server was contacted');
  });

  it('after the unlock the new token works, and the secret is as it was', async () => {
    await workbench.runCommand('MCP Secrets: Unlock Vault');
    await statusIs(workbench, 'MCP Secrets: 1');
    await described(workbench, 'Secrets', 'TOKEN', /^v1 · /);
    upstream.reset();
    const [child, web] = [agentOf('child'), agentOf('web')];
    await child.initialize();
    assert.equal((await environmentOf(child)).env.TOKEN, '[redacted:TOKEN]');
    await web.initialize();
    assert.equal(textOf(await web.tool('do')), 'done');
    assert.ok(upstream.last('tools/call').headers.authorization === `Bearer ${canary}`, 'the server got another value');
  });

  it('lock in one window locks the other one; unlock there unlocks this one; tokens stay', async () => {
    const child = agentOf('child');
    await child.initialize();
    const { pid } = await environmentOf(child);
    const second = new Workbench(await session.window.openWindow());
    await second.views.open('MCP Secrets');
    await statusIs(second, 'MCP Secrets: 1');
    await workbench.page.bringToFront();
    const call = child.tool('hang');
    await eventually('the call is at the server', async () => ((await child.tool('received')).body.includes('hang') ? true : undefined));
    await workbench.runCommand('MCP Secrets: Lock Vault');
    assertLocked(await call);
    await eventually('the child is gone', () => (isRunning(pid) ? undefined : true));
    for (const server of ['child', 'web']) assertLocked(await agentOf(server).tool('env'));
    await statusIs(workbench, 'MCP Secrets: Locked');
    await second.page.bringToFront();
    await statusIs(second, 'MCP Secrets: Locked');
    await viewSays(second, 'Secrets', /^The vault is locked\./);
    await second.screenshot('vault-2-other-window-locked');
    await second.runCommand('MCP Secrets: Unlock Vault');
    await statusIs(second, 'MCP Secrets: 1');
    await workbench.page.bringToFront();
    await statusIs(workbench, 'MCP Secrets: 1');
    for (const view of ['Secrets', 'Servers']) await viewSays(workbench, view, /^$/);
    const again = agentOf('child');
    await again.initialize();
    assert.equal((await environmentOf(again)).env.TOKEN, '[redacted:TOKEN]');
    await second.page.close();
  });

  it('panic in another window ends the calls of this one', async () => {
    const child = agentOf('child');
    await child.initialize();
    const { pid } = await environmentOf(child);
    const second = new Workbench(await session.window.openWindow());
    await second.views.open('MCP Secrets');
    await statusIs(second, 'MCP Secrets: 1');
    const call = child.tool('hang');
    await eventually('the call is at the server', async () => ((await child.tool('received')).body.includes('hang') ? true : undefined));
    await second.runCommand('MCP Secrets: Panic: Lock and Stop Everything');
    assertLocked(await call);
    await eventually('the child is gone', () => (isRunning(pid) ? undefined : true));
    assert.equal((await child.tool('env')).status, 401);
    await second.notificationButton('The vault is locked, servers are stopped', 'Unlock');
    await statusIs(second, 'MCP Secrets: 1');
    await second.page.close();
    await workbench.page.bringToFront();
    await statusIs(workbench, 'MCP Secrets: 1');
    assert.equal((await child.tool('env')).status, 401, 'the token works again');
  });

  /**
   * Uses the vault each second, for far longer than the limit, and sees that it stays open.
   * @param since before the limit was set. @returns false if the machine stood still for so long that it may be locked.
   */
  async function staysOpen(child: Agent, since: number): Promise<boolean> {
    const end = performance.now() + USE_MS;
    for (let before = since; before < end;) {
      const now = performance.now();
      const answer = await child.tool('echo', { text: 'still here' });
      if (performance.now() - before > LONGEST_GAP_MS) return false;
      assert.match(textOf(answer), /still here/);
      before = now;
      await sleep(1_000);
    }
    return true;
  }

  /** Begins again after a standstill. @returns the agent that has used the vault until now, and its process. */
  async function useKeepsOpen(): Promise<{ child: Agent; pid: number }> {
    for (let tries = 1; tries <= 5; tries += 1) {
      await setAutoLock(0);
      await unlock();
      const child = agentOf('child');
      await child.initialize();
      const { pid } = await environmentOf(child);
      const since = performance.now();
      await setAutoLock(LIMIT_MINUTES);
      if (await staysOpen(child, since)) return { child, pid };
    }
    return assert.fail('the machine stood still each time');
  }

  it('locks by itself when nobody uses it; use keeps it open', async function () {
    this.timeout(600_000);
    await newToken();
    const { child, pid } = await useKeepsOpen();
    await statusIs(workbench, 'MCP Secrets: Locked');
    assertLocked(await child.tool('echo', { text: 'still here' }));
    await eventually('the child is gone', () => (isRunning(pid) ? undefined : true));
    await described(workbench, 'Servers', 'child', /^stdio · ready · 1 secret$/);
    await described(workbench, 'Activity', 'Vault locked', /./);
    await workbench.clearNotifications();
    await pictures(workbench, 'vault-3-auto-locked');
    await setAutoLock(0);
    await unlock();
    const again = agentOf('child');
    await again.initialize();
    assert.equal((await environmentOf(again)).env.TOKEN, '[redacted:TOKEN]');
  });

  /** Unlocks the vault, if it is locked. */
  async function unlock(): Promise<void> {
    await confirmed(workbench, 'The vault is unlocked', () => workbench.runCommand('MCP Secrets: Unlock Vault'));
    await statusIs(workbench, 'MCP Secrets: 1');
  }

  /**
   * It is a setting of the machine, which VS Code keeps where its server runs. The title of the window, changed along with it,
   * shows when it has arrived: what the extension is told after that comes after the setting.
   */
  async function setAutoLock(minutes: number): Promise<void> {
    const folder = join(session.window.dataDir, 'data', 'Machine');
    const title = `auto-lock after ${String(minutes)} minutes`;
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'settings.json'), JSON.stringify({ 'mcpSecrets.autoLock': minutes, 'window.title': title }));
    await eventually(title, async () => ((await workbench.page.title()).includes(title) ? true : undefined));
  }
});
