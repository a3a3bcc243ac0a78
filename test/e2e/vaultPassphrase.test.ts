import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { eventually } from '../host/eventually';
import type { Workbench } from '../host/workbench';
import { Agent } from '../integration/support/agent';
import type { Answer } from '../integration/support/agent';
import { textOf } from '../integration/support/scripted';
import { addSecret, confirmed, giveValue, nameSecret, titled } from './support/actions';
import { searchFiles, tokenCanary } from './support/canary';
import { pictures } from './support/pictures';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { approve, givePassphrase, statusIs, storageOf, viewSays } from './support/vault';
import { described } from './support/views';

const NEW = 'Protect the Key of This Workspace with a Passphrase';

describe('the key under a passphrase, as a user does it', () => {
  const session = new Session();
  const canary = tokenCanary('ghp_');
  const passphrase = tokenCanary('correct horse ');
  let workbench: Workbench;
  let upstream: ScriptedUpstream;
  let storage: string;
  let access = { port: 0, token: '' };

  before(async function () {
    this.timeout(600_000);
    upstream = await ScriptedUpstream.start();
    const web = { type: 'http', url: upstream.url, secrets: { TOKEN: 'bearer' } };
    await session.start({}, (workspace) => writeServersFile(workspace, { servers: { web } }));
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
  });

  after(async () => {
    await session.dispose();
    await upstream.stop();
  });

  inSteps((name) => workbench.screenshot(name));

  const keyFile = (): string => join(storage, 'key.store');

  async function protect(): Promise<void> {
    await confirmed(workbench, 'The key of this workspace needs a passphrase from now on', async () => {
      await workbench.runCommand('MCP Secrets: Protect Key with Passphrase…');
      await givePassphrase(workbench, `${NEW} (1/2)`, passphrase);
      await givePassphrase(workbench, `${NEW} (2/2)`, passphrase);
    });
  }

  async function reload(): Promise<void> {
    // The former extension host must have ended: it has the port that the agent was told.
    await session.window.whileClosed(() => Promise.resolve());
    await workbench.views.open('MCP Secrets');
  }

  /** A call of the agent outside VS Code. */
  async function call(): Promise<Answer> {
    const agent = new Agent({ ...access, socket: '' }, 'web');
    try {
      const answer = await agent.initialize();
      return answer.messages.at(-1)?.error === undefined ? await agent.tool('do') : answer;
    } finally {
      agent.close();
    }
  }

  async function works(): Promise<void> {
    assert.equal(textOf(await call()), 'done');
    assert.ok(upstream.last('tools/call').headers.authorization === `Bearer ${canary}`, 'the server got another value');
  }

  it('a short passphrase and one that is not the same twice are not taken; Escape changes nothing', async () => {
    await workbench.runCommand('MCP Secrets: Protect Key with Passphrase…');
    await titled(workbench, `${NEW} (1/2)`);
    await workbench.quickInput.text('short');
    await workbench.quickInput.message('At least 8 characters');
    await givePassphrase(workbench, `${NEW} (1/2)`, passphrase);
    await titled(workbench, `${NEW} (2/2)`);
    await workbench.quickInput.text(`${passphrase}!`);
    await workbench.quickInput.message('This is not the same yet');
    await workbench.screenshot('passphrase-1-not-the-same');
    await workbench.quickInput.cancel();
    storage = await storageOf(session);
    assert.ok(!existsSync(keyFile()));
  });

  it('can be given before the first secret, and is asked for when that is added after a restart', async () => {
    await protect();
    assert.ok(existsSync(keyFile()));
    await reload();
    await described(workbench, 'Secrets', 'TOKEN', /^missing · bound to web$/);
    await workbench.runCommand('MCP Secrets: Add Secret');
    await nameSecret(workbench, 'TOKEN');
    await givePassphrase(workbench, 'Unlock Vault', passphrase);
    await giveValue(workbench, 'Add Secret TOKEN', canary);
    await described(workbench, 'Secrets', 'TOKEN', /^v1 · /);
  });

  it('can be removed, and the secret opens without it after a restart', async () => {
    await confirmed(workbench, `The key of this vault is in VS Code's secret storage again`, () =>
      workbench.runCommand('MCP Secrets: Remove Passphrase from Key'),
    );
    assert.ok(!existsSync(keyFile()));
    await approve(workbench, 'web');
    await workbench.runCommand('MCP Secrets: Copy MCP Configuration');
    await titled(workbench, 'Copy MCP Configuration');
    await workbench.quickInput.pick('Other agent');
    await workbench.quickInput.message('The name of the agent');
    await workbench.quickInput.text('Reviewer');
    await workbench.notifications('1 server for Reviewer copied.');
    const text = String(await workbench.page.evaluate('navigator.clipboard.readText()'));
    const { url, headers } = (JSON.parse(text) as { mcpServers: { web: { url: string; headers: Record<string, string> } } }).mcpServers.web;
    access = { port: Number(new URL(url).port), token: (headers.Authorization ?? '').replace('Bearer ', '') };
    await works();
    await reload();
    await statusIs(workbench, 'MCP Secrets: 1');
    await eventually('it works again', () => works().then(() => true));
  });

  it('protects a vault with secrets, which is then locked after a restart, without a question by itself', async () => {
    await protect();
    await works();
    await reload();
    await statusIs(workbench, 'MCP Secrets: Locked');
    await viewSays(workbench, 'Secrets', /^The vault is locked\./);
    await described(workbench, 'Secrets', 'TOKEN', /^v1 · /);
    await eventually('a call is refused', async () => {
      const error = (await call()).messages.at(-1)?.error;
      return error?.data?.kind === 'passphraseNeeded' && error.message.includes('protected by a passphrase') ? true : undefined;
    });
    assert.equal(await workbench.quickInput.isOpen(), false, 'somebody is asked');
    await pictures(workbench, 'passphrase-2-locked');
  });

  it('a wrong passphrase gives a clear error and changes nothing', async () => {
    await workbench.runCommand('MCP Secrets: Unlock Vault');
    await givePassphrase(workbench, 'Unlock Vault', `${passphrase}!`);
    await workbench.notifications('The passphrase is not right. Nothing was changed. Try again.');
    await workbench.screenshot('passphrase-3-wrong');
    await statusIs(workbench, 'MCP Secrets: Locked');
    assert.equal((await call()).messages.at(-1)?.error?.data?.kind, 'passphraseNeeded');
    assert.equal(await workbench.quickInput.isOpen(), false);
  });

  it('the right one unlocks; lock forgets it', async () => {
    await workbench.clearNotifications();
    await workbench.views.viewAction('Secrets', 'Unlock Vault');
    await titled(workbench, 'Unlock Vault');
    await workbench.screenshot('passphrase-4-unlock');
    await givePassphrase(workbench, 'Unlock Vault', passphrase);
    await statusIs(workbench, 'MCP Secrets: 1');
    await works();
    await workbench.runCommand('MCP Secrets: Lock Vault');
    await statusIs(workbench, 'MCP Secrets: Locked');
    assert.equal((await call()).messages.at(-1)?.error?.data?.kind, 'locked');
    await workbench.runCommand('MCP Secrets: Unlock Vault');
    await givePassphrase(workbench, 'Unlock Vault', passphrase);
    await statusIs(workbench, 'MCP Secrets: 1');
    await works();
  });

  it('the key can be replaced under it', async () => {
    await confirmed(workbench, 'The vault has a new key (1 secret)', async () => {
      await workbench.runCommand('MCP Secrets: Replace Key…');
      await workbench.dialogButton('Replace Key');
    });
    await works();
    await reload();
    await workbench.runCommand('MCP Secrets: Unlock Vault');
    await givePassphrase(workbench, 'Unlock Vault', passphrase);
    await statusIs(workbench, 'MCP Secrets: 1');
    await eventually('it works again', () => works().then(() => true));
  });

  it('a vault whose passphrase is forgotten can still be destroyed, and a new one needs none', async () => {
    await reload();
    await statusIs(workbench, 'MCP Secrets: Locked');
    await workbench.runCommand('MCP Secrets: Destroy All Secrets…');
    await workbench.dialogButton('Destroy…');
    await titled(workbench, 'Destroy All Secrets');
    await workbench.quickInput.text('destroy');
    await described(workbench, 'Secrets', 'TOKEN', /^missing · bound to web$/);
    await eventually('nothing of the vault is left', async () =>
      (await readdir(storage, { recursive: true })).some((name) =>
        /vault\.(store$|store\.previous|parts)|key\.store|generations|given-keys/.test(name),
      )
        ? undefined
        : true,
    );
    await addSecret(workbench, 'TOKEN', canary);
    await described(workbench, 'Secrets', 'TOKEN', /^v1 · /);
    await works();
  });

  it('neither passphrase nor value are in any file', async () => {
    await session.window.stop();
    for (const folder of [session.window.root, session.workspace])
      assert.deepEqual(await searchFiles(folder, { values: [passphrase, canary] }), []);
  });
});
