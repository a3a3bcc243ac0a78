import type { Locator, Page } from 'playwright-core';
import { appears, clickOnce } from './clicks';
import { eventually, uiLimitMs } from './eventually';

/** VS Code's quick input: the palette, quick picks and input boxes. Every method waits for what it needs. */
export class QuickInput {
  readonly #page: Page;
  readonly #widget: Locator;
  readonly #box: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.#widget = page.locator('.quick-input-widget');
    this.#box = this.#widget.locator('.quick-input-box input');
  }

  /** Runs a command by its full title in the palette, e.g. `MCP Secrets: Add Secret`. */
  async runCommand(title: string): Promise<void> {
    // An extension's commands are missing until the extension host has started, and the open list does not refresh.
    const find = async (): Promise<Locator> => {
      await this.#page.keyboard.press('F1');
      await this.#box.fill(`>${title}`, { timeout: 5_000 });
      const row = this.#row(title);
      if (await appears(row)) return row;
      await this.cancel();
      throw new Error('the palette does not offer it');
    };
    await clickOnce(`"${title}" in the palette`, find, 2 * uiLimitMs);
  }

  /** Chooses the item with this label, typing it as a filter when it is not on screen. */
  async pick(label: string): Promise<void> {
    const row = this.#row(label);
    await clickOnce(`"${label}" in the list`, async () => {
      if (!(await appears(row, 3_000))) await this.#box.fill(label, { timeout: 2_000 });
      return row;
    });
    await row.waitFor({ state: 'hidden', timeout: 2_000 }).catch(() => undefined);
  }

  /** In a list with checkboxes: leaves exactly these labels ticked and accepts. All must be on screen. */
  async pickMany(labels: readonly string[]): Promise<void> {
    for (const label of labels) await this.#row(label).waitFor({ timeout: uiLimitMs });
    for (const row of await this.#widget.locator('.monaco-list-row').all()) {
      const label = await labelOf(row);
      await tick(row, label, labels.includes(label));
    }
    await clickOnce('OK', () => this.#widget.getByRole('button', { name: 'OK', exact: true }));
  }

  /** Types into the input box (hidden or not) and presses Enter. Returns when VS Code has reacted. */
  async text(text: string): Promise<void> {
    await this.type(text);
    await this.#box.press('Enter');
    // Without this the next call could still meet the box that is about to close.
    const reacted = async (): Promise<true | undefined> => {
      if (!(await this.#widget.isVisible())) return true;
      return (await this.#box.inputValue({ timeout: 2_000 })) !== text || (await this.#invalid()) ? true : undefined;
    };
    // Not an error: the next box may have this very text as its own.
    await eventually('the input box reacts to Enter', reacted, 20_000).catch(() => undefined);
  }

  /** Types into the input box and leaves it open, e.g. to see its validation message. */
  async type(text: string): Promise<void> {
    await this.#box.fill(text, { timeout: uiLimitMs });
  }

  /** What stands in the input box. */
  async value(): Promise<string> {
    return this.#box.inputValue({ timeout: uiLimitMs });
  }

  /** The message under the input box: the prompt or the validation message. Waits until it contains `part`. */
  async message(part = ''): Promise<string> {
    const message = this.#widget.locator('.quick-input-message');
    return eventually(`the input box says "${part}"`, async () => {
      const text = (await message.isVisible()) ? await message.innerText() : '';
      return text.includes(part) ? text : undefined;
    });
  }

  /** The title of the open quick input; empty when it has none. */
  async title(): Promise<string> {
    // It may close for good meanwhile: who asks, asks again.
    await this.#widget.waitFor({ timeout: 2_000 });
    const title = this.#widget.locator('.quick-input-title');
    return (await title.isVisible()) ? await title.innerText() : '';
  }

  /** Whether the open input box hides what is typed. */
  async isPassword(): Promise<boolean> {
    await this.#box.waitFor({ timeout: uiLimitMs });
    return (await this.#box.getAttribute('type')) === 'password';
  }

  /** The labels on screen in the open list, in order; waits for at least one. */
  async labels(): Promise<string[]> {
    const rows = this.#widget.locator('.monaco-list-row');
    await rows.first().waitFor({ timeout: uiLimitMs });
    return Promise.all((await rows.all()).map(labelOf));
  }

  /** Clicks a button in the title of the open quick input. */
  async button(label: string): Promise<void> {
    await clickOnce(`"${label}"`, () => this.#widget.locator(`.quick-input-titlebar .action-label[aria-label^="${label}"]`));
  }

  /** Closes the quick input with Escape. */
  async cancel(): Promise<void> {
    await eventually('the quick input closes', async () => {
      if (!(await this.#widget.isVisible())) return true;
      // Focused first: a box that has just opened may not have the keyboard yet.
      await this.#box.press('Escape', { timeout: 2_000 });
      return undefined;
    });
  }

  /** Whether a quick input is open right now. */
  async isOpen(): Promise<boolean> {
    return this.#widget.isVisible();
  }

  #row(label: string): Locator {
    const name = this.#page.locator('.label-name').getByText(label, { exact: true });
    return this.#widget.locator('.monaco-list-row').filter({ has: name }).first();
  }

  async #invalid(): Promise<boolean> {
    return (await this.#widget.locator('.monaco-inputbox.error').count()) > 0;
  }
}

async function labelOf(row: Locator): Promise<string> {
  return (await row.locator('.label-name').first().innerText()).trim();
}

/** Ticks a row, or removes its tick, and waits until the row shows it. */
async function tick(row: Locator, label: string, isTicked: boolean): Promise<void> {
  const isDone = async (): Promise<true | undefined> =>
    ((await row.getAttribute('aria-checked', { timeout: 2_000 })) === 'true') === isTicked ? true : undefined;
  await eventually(`"${label}" is ${isTicked ? '' : 'not '}ticked`, async () => {
    if (await isDone()) return true;
    await row.locator('.monaco-checkbox').click({ timeout: 2_000 });
    // One more click would undo one that only needs its time.
    return eventually('the row shows it', isDone, 2_000);
  });
}
