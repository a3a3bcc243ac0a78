import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../host/eventually';
import type { Workbench } from '../host/workbench';
import { addSecret, replaceSecret } from './support/actions';
import { generationOfCopy, removeCopy } from './support/browserState';
import { tokenCanary } from './support/canary';
import { pictures } from './support/pictures';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { statusIs, storageOf, viewSays } from './support/vault';
import { described } from './support/views';

const FILES = ['vault.store', 'vault.store.previous', 'vault.parts'];

describe('a vault that is put back to an earlier state while VS Code is closed', () => {
  const session = new Session();
  let workbench: Workbench;
  let storage: string;

  before(async function () {
    this.timeout(600_000);
    await session.start();
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    await addSecret(workbench, 'TOKEN', tokenCanary('first_'));
    await addSecret(workbench, 'OTHER', tokenCanary('other_'));
    await described(workbench, 'Secrets', 'OTHER', /^v1 · /);
    storage = await storageOf(session);
  });

  after(() => session.dispose());

  inSteps((name) => workbench.screenshot(name));

  const aside = (): string => join(session.window.root, 'aside');

  async function copy(from: string, to: string): Promise<void> {
    for (const name of FILES) {
      await rm(join(to, name), { recursive: true, force: true });
      if (existsSync(join(from, name))) await cp(join(from, name), join(to, name), { recursive: true });
    }
  }

  async function generation(): Promise<number> {
    return Number(/"generation":(\d+)/.exec(await readFile(join(storage, 'vault.store'), 'utf8'))?.[1]);
  }

  /** Changes a secret, and puts the state before that back once the window is closed. */
  async function putBack(whileClosed: () => Promise<void> = () => Promise.resolve()): Promise<{ before: number; after: number }> {
    await copy(storage, aside());
    const before = await generation();
    await replaceSecret(workbench, 'TOKEN', tokenCanary('next_'));
    await eventually('the change is written', async () => ((await generation()) > before ? true : undefined));
    const after = await generation();
    await eventually('the copy is on the disk', async () => ((await generationOfCopy(workbench.page)) === after ? true : undefined));
    await session.window.whileClosed(async () => {
      await copy(aside(), storage);
      await whileClosed();
    });
    assert.equal(await generation(), before);
    await workbench.views.open('MCP Secrets');
    return { before, after };
  }

  it('is as it was after the last change, because there is a copy', async () => {
    const { after } = await putBack();
    await described(workbench, 'Secrets', 'TOKEN', /^v2 · /);
    await statusIs(workbench, 'MCP Secrets: 2');
    await workbench.runCommand('MCP Secrets: Check All Secrets');
    await workbench.notifications('All 2 secrets open, with all their versions.');
    await replaceSecret(workbench, 'OTHER', tokenCanary('other_'));
    await eventually('the files are restored', async () => ((await generation()) > after ? true : undefined));
    assert.match(await readFile(join(storage, 'vault.store'), 'utf8'), new RegExp(`"generation":${String(after + 1)}`));
  });

  it('says what has happened where the copy is gone, and uses nothing of it', async () => {
    const { before, after } = await putBack(() => removeCopy(workbench.page));
    await statusIs(workbench, 'MCP Secrets: Error');
    await viewSays(
      workbench,
      'Secrets',
      new RegExp(`The stored vault is an older one \\(generation ${String(before)}; ${String(after)} was the last\\)`),
    );
    await pictures(workbench, 'older-1-refused');
    await workbench.clearNotifications();
    await workbench.runCommand('MCP Secrets: Add Secret');
    await workbench.notifications('The stored vault is an older one');
    assert.equal(await workbench.quickInput.isOpen(), false);
    assert.equal(await generation(), before, 'it was changed');
  });

  it('is accepted after a question, as it is', async () => {
    await workbench.notificationButton('The stored vault is an older one', 'Recover…');
    assert.match(await workbench.dialogText(), /Recover the vault\?/);
    await workbench.screenshot('older-2-recover');
    await workbench.dialogButton('Cancel');
    await statusIs(workbench, 'MCP Secrets: Error');
    await workbench.runCommand('MCP Secrets: Recover Vault…');
    await workbench.dialogButton('Recover');
    await workbench.notifications('2 secrets can be used.');
    await statusIs(workbench, 'MCP Secrets: 2');
    await described(workbench, 'Secrets', 'TOKEN', /^v2 · /);
    await workbench.runCommand('MCP Secrets: Check All Secrets');
    await workbench.notifications('All 2 secrets open, with all their versions.');
    await session.window.reload();
    await workbench.views.open('MCP Secrets');
    await statusIs(workbench, 'MCP Secrets: 2');
  });
});
