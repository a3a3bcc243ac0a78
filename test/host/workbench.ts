import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { Chat } from './chat';
import { clickOnce } from './clicks';
import { eventually, uiLimitMs } from './eventually';
import { outDir } from './paths';
import { QuickInput } from './quickInput';
import { TreeViews } from './treeViews';

/** One VS Code window as a user sees and uses it. Every method waits for what it needs, and rejects when it stays away. */
export class Workbench {
  readonly page: Page;
  readonly quickInput: QuickInput;
  readonly views: TreeViews;
  readonly chat: Chat;

  constructor(page: Page) {
    this.page = page;
    this.quickInput = new QuickInput(page);
    this.views = new TreeViews(page);
    this.chat = new Chat(page, this.quickInput);
  }

  /** Runs a command by its full title in the palette, e.g. `MCP Secrets: Add Secret`. */
  async runCommand(title: string): Promise<void> {
    await this.quickInput.runCommand(title);
  }

  /** Message and detail of the modal dialog, one per line. */
  async dialogText(): Promise<string> {
    return this.page.locator('.monaco-dialog-box .dialog-message-container').innerText({ timeout: 2 * uiLimitMs });
  }

  /** The labels of the modal dialog's buttons. */
  async dialogButtons(): Promise<string[]> {
    const buttons = this.page.locator('.monaco-dialog-box .dialog-buttons .monaco-button');
    await buttons.first().waitFor({ timeout: uiLimitMs });
    return (await buttons.allInnerTexts()).map((text) => text.trim());
  }

  /** Clicks a button of the modal dialog and waits until the dialog is gone. */
  async dialogButton(label: string): Promise<void> {
    const dialog = this.page.locator('.monaco-dialog-box');
    await clickOnce(`"${label}" of the dialog`, () => dialog.getByRole('button', { name: label, exact: true }));
    await dialog.waitFor({ state: 'hidden', timeout: uiLimitMs });
  }

  /**
   * The texts of all notifications that were not closed, newest first. Waits until one of them contains `part`.
   * Read from the notification centre, which this opens: under the test driver VS Code shows no toasts.
   */
  async notifications(part?: string): Promise<string[]> {
    return eventually(`a notification says "${part ?? ''}"`, async () => {
      await this.#openNotifications();
      const texts = await this.page.locator('.notifications-center .notification-list-item-message').allInnerTexts();
      return part === undefined || texts.some((text) => text.includes(part)) ? texts : undefined;
    });
  }

  /** Clicks a button of the first notification whose text contains `part`. */
  async notificationButton(part: string, label: string): Promise<void> {
    const item = this.page.locator('.notifications-center .monaco-list-row').filter({ hasText: part }).first();
    const button = item.locator('.notification-list-item-buttons-container').getByRole('button', { name: label, exact: true });
    // The centre closes by itself when it loses the focus.
    const find = async (): Promise<Locator> => {
      await this.#openNotifications();
      await item.waitFor({ timeout: 2_000 });
      // Only an expanded notification shows its buttons.
      if (!(await button.isVisible())) await item.locator('.codicon-notifications-expand').click({ timeout: 2_000 });
      return button;
    };
    await clickOnce(`"${label}" of "${part}"`, find, 2 * uiLimitMs);
  }

  /** Closes all notifications. */
  async clearNotifications(): Promise<void> {
    const clear = this.page.locator('.notifications-center .codicon-notifications-clear-all');
    await clickOnce('the button that clears all notifications', async () => {
      await this.#openNotifications();
      return (await clear.isEnabled({ timeout: 2_000 })) ? clear : undefined;
    });
  }

  /** The text of each item in the status bar. */
  async statusBarText(): Promise<string[]> {
    const texts = await this.page.locator('.statusbar .statusbar-item').allInnerTexts();
    return texts.map((text) => text.replace(/\s+/g, ' ').trim()).filter((text) => text !== '');
  }

  /** Clicks the status bar item whose text contains `part`. */
  async clickStatusBar(part: string): Promise<void> {
    await clickOnce(`"${part}" in the status bar`, () => this.page.locator('.statusbar .statusbar-item').filter({ hasText: part }).first());
  }

  /** The rows of the Problems view (files and their problems) as read out; empty when there are none. Leaves it open. */
  async problems(): Promise<string[]> {
    await this.runCommand('Problems: Focus on Problems View');
    const panel = this.page.locator('.markers-panel');
    await panel.waitFor({ timeout: uiLimitMs });
    // In one go: rows come and go while problems change.
    const rows = panel.locator('.monaco-list-row');
    return rows.evaluateAll((all: { getAttribute(name: string): string | null }[]) =>
      all.map((row) => row.getAttribute('aria-label') ?? ''),
    );
  }

  /**
   * Saves a picture of the window as `out/screenshots/<name>.png` and returns its path. No test looks at it: when it
   * cannot be taken, this says so and goes on.
   */
  async screenshot(name: string): Promise<string> {
    const path = join(outDir, 'screenshots', `${name}.png`);
    try {
      await mkdir(dirname(path), { recursive: true });
      await this.page.screenshot({ path, timeout: 10_000 });
    } catch (error) {
      process.stderr.write(`no picture ${name}: ${firstLine(error)}\n`);
    }
    return path;
  }

  async #openNotifications(): Promise<void> {
    const center = this.page.locator('.notifications-center.visible');
    // A click is lost when the bell changes in this very moment, because a notification comes or goes.
    await eventually('the notification centre opens', async () => {
      if (await center.isVisible()) return true;
      await this.page.locator('[id="status.notifications"]').click({ timeout: 2_000 });
      return center.waitFor({ timeout: 2_000 }).then(() => true);
    });
  }
}

function firstLine(error: unknown): string {
  return String(error).split('\n', 1).join('');
}
