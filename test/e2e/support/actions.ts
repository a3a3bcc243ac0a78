import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import { eventually, uiLimitMs } from '../../host/eventually';
import type { Workbench } from '../../host/workbench';
import type { Turn } from './agent';
import type { Session } from './session';

/** Run in the page: keeps every text that the status bar shows from now on. What was kept before is dropped. */
const LISTEN = `(() => {
  const bar = document.querySelector('.statusbar');
  window.statusBarListener?.disconnect();
  const said = (window.statusBarSaid = new Set());
  window.statusBarListener = new MutationObserver(() => {
    for (const item of bar.querySelectorAll('.statusbar-item')) said.add(item.textContent.replace(/\\s+/g, ' '));
  });
  window.statusBarListener.observe(bar, { childList: true, subtree: true, characterData: true });
})()`;

/** Waits for the quick input with this title. Steps follow each other with a gap in which the last one can still be seen. */
export async function titled({ quickInput }: Workbench, title: string): Promise<void> {
  let last = '';
  await eventually(title, async () => ((last = await quickInput.title()) === title ? true : undefined)).catch(() => {
    assert.equal(last, title);
  });
}

/** The modal dialog. */
export function dialogOf({ page }: Workbench): Locator {
  return page.locator('.monaco-dialog-box');
}

/** The title of a quick input whose title contains this. */
export function titleOf({ page }: Workbench, title: string): Locator {
  return page.locator('.quick-input-widget .quick-input-title').filter({ hasText: title });
}

/** An inline action of a row. */
export type RowAction = readonly [view: string, row: string, action: string];

/**
 * Clicks an inline action of a row until what it leads to is there. While the view is read anew, VS Code does not say
 * which row it was: then the product asks what is meant, in a quick pick, which must not be what is waited for.
 */
export async function rowAction(
  { quickInput, views }: Workbench,
  action: RowAction,
  outcome: Locator | (() => Promise<boolean>),
): Promise<void> {
  const isThere = typeof outcome === 'function' ? outcome : (): Promise<boolean> => outcome.isVisible();
  const comes = (limitMs: number): Promise<boolean> =>
    eventually('it comes', async () => (await isThere()) || undefined, limitMs).catch(() => false);
  await eventually(
    `"${action.join(' / ')}" has its outcome`,
    async () => {
      // That of an earlier try may have come late, and a dialog covers the row.
      if (await isThere()) return true;
      await views.itemAction(...action, 15_000);
      if (await comes(5_000)) return true;
      // Without the wrong question it may just be slow: one more click could make it come twice.
      if (!(await quickInput.isOpen()) && (await comes(15_000))) return true;
      await quickInput.cancel();
      return undefined;
    },
    2 * uiLimitMs,
  );
}

/** Approves a server by its row in the view. */
export async function approve(workbench: Workbench, server: string): Promise<void> {
  await rowAction(workbench, ['Servers', server, 'Approve Server'], dialogOf(workbench));
  await workbench.dialogButton('Approve');
}

/** Answers the open box for a secret's value, after a look at it: it must hide what is typed. */
export async function giveValue(workbench: Workbench, title: string, value: string): Promise<void> {
  const { page, quickInput } = workbench;
  await titled(workbench, title);
  assert.ok(await quickInput.isPassword(), 'the box shows what is typed');
  await quickInput.type(value);
  const shown = String(await page.evaluate('document.body.innerText + document.body.innerHTML'));
  assert.ok(!shown.includes(value), 'the page shows the value');
  await quickInput.text(value);
  await eventually('the box closes', async () => ((await quickInput.isOpen()) && (await quickInput.title()) === title ? undefined : true));
}

/** Adds a secret by the palette; it is kept when this resolves. */
export async function addSecret(workbench: Workbench, name: string, value: string): Promise<void> {
  await confirmed(workbench, `Secret ${name} added`, async () => {
    await workbench.runCommand('MCP Secrets: Add Secret');
    await nameSecret(workbench, name);
    await giveValue(workbench, `Add Secret ${name}`, value);
  });
}

/**
 * Acts, and waits for what the status bar says of that. It says so for a few seconds only, which a slow machine can
 * take until it looks: so the page itself keeps what was said.
 */
export async function confirmed(workbench: Workbench, message: string, act: () => Promise<unknown>): Promise<void> {
  const { page } = workbench;
  // It may still say the same of an earlier action.
  await eventually(`"${message}" of before goes`, async () =>
    (await workbench.statusBarText()).some((text) => text.includes(message)) ? undefined : true,
  );
  await page.evaluate(LISTEN);
  await act();
  let said: readonly string[] = [];
  await eventually(message, async () => {
    said = await statusBarSaid(page);
    return said.some((text) => text.includes(message)) ? true : undefined;
  }).catch((cause: unknown) => {
    throw new Error(`the status bar did not say "${message}", but: ${said.join(' | ')}`, { cause });
  });
}

/** What the status bar has said since `LISTEN`. */
async function statusBarSaid(page: Page): Promise<string[]> {
  return page.evaluate<string[]>('[...window.statusBarSaid]');
}

/** Answers the box that asks for a secret's name. */
export async function nameSecret(workbench: Workbench, name: string): Promise<void> {
  await titled(workbench, 'Add Secret');
  await workbench.quickInput.text(name);
}

/** Replaces a secret by the palette; the new value is kept when this resolves. */
export async function replaceSecret(workbench: Workbench, name: string, value: string): Promise<void> {
  await confirmed(workbench, `Secret ${name} replaced`, async () => {
    await workbench.runCommand('MCP Secrets: Replace Secret');
    await titled(workbench, 'Replace Secret');
    await workbench.quickInput.pick(name);
    await giveValue(workbench, `Replace Secret ${name}`, value);
  });
}

/** Deletes a secret by the palette; it is gone when this resolves. */
export async function deleteSecret(workbench: Workbench, name: string): Promise<void> {
  await confirmed(workbench, `Secret ${name} deleted`, async () => {
    await workbench.runCommand('MCP Secrets: Delete Secret');
    await titled(workbench, 'Delete Secret');
    await workbench.quickInput.pick(name);
    await workbench.dialogButton('Delete');
  });
}

/** The first three questions of the wizard: type, name, and the address or command. */
export async function beginServer(workbench: Workbench, type: 'HTTP' | 'stdio', name: string, where: string): Promise<void> {
  const { quickInput } = workbench;
  await quickInput.runCommand('MCP Secrets: Add Server');
  await titled(workbench, 'Add Server');
  await quickInput.pick(type);
  await quickInput.message('The name of the server');
  await quickInput.text(name);
  await quickInput.message(type === 'HTTP' ? `The address of ${name}` : `The command that starts ${name}`);
  await quickInput.text(where);
  await titled(workbench, `Choose Secrets for ${name}`);
}

/**
 * Sends a message in the chat and waits for the model's last words. Returns the tool's result.
 * @param asksFirst whether VS Code asks if this tool may run; it does so once for each tool of a chat.
 */
export async function ask({ agent, workbench }: Session, message: string, turn: Turn, asksFirst = true): Promise<string> {
  const before = agent.results.length;
  agent.next(turn);
  await workbench.chat.send(message);
  if (asksFirst) await workbench.chat.allow('Allow in this Session');
  await workbench.chat.transcript(turn.words);
  // Its last words are shown before the request is over; a message that is sent until then would wait in a queue.
  await workbench.page
    .locator('.interactive-session .codicon-stop-circle')
    .first()
    .waitFor({ state: 'hidden', timeout: 2 * uiLimitMs });
  assert.ok(agent.hasCalled, `the model was not offered ${turn.tool}, but: ${agent.tools.join(', ')}`);
  const results = agent.results;
  assert.equal(results.length, before + 1, 'the model got no result');
  return results.at(-1) ?? '';
}
