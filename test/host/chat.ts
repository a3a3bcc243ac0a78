import type { Locator, Page } from 'playwright-core';
import { clickOnce } from './clicks';
import { eventually, uiLimitMs } from './eventually';
import type { QuickInput } from './quickInput';

/** VS Code's chat in agent mode, with the scripted model. */
export class Chat {
  readonly #page: Page;
  readonly #quickInput: QuickInput;
  readonly #session: Locator;

  constructor(page: Page, quickInput: QuickInput) {
    this.#page = page;
    this.#quickInput = quickInput;
    this.#session = page.locator('.interactive-session');
  }

  /** Opens the chat, ready for a first message without an account. */
  async open(): Promise<void> {
    // Looking at the models makes VS Code ask their providers; until then the chat wants somebody to sign in.
    await this.#show('Chat: Manage Language Models', this.#page.getByText('Scripted Model').first());
    await this.#page.keyboard.press('Escape');
    await this.#show('Chat: Open Chat', this.#input());
    // This hint shows that Copilot has seen a model of its own user; a message sent before that asks to sign in.
    await this.#page
      .getByText('Set BYOK utility models')
      .first()
      .waitFor({ timeout: 2 * uiLimitMs });
  }

  /** Types a message and sends it. Returns at once; the answer comes later. */
  async send(text: string): Promise<void> {
    await this.#input().click({ timeout: uiLimitMs });
    await this.#page.keyboard.type(text);
    await this.#page.keyboard.press('Enter');
  }

  /** Waits for VS Code's own question whether a tool may run, and clicks the button with this label. */
  async allow(label = 'Allow'): Promise<void> {
    const button = this.#session.locator('.monaco-button').filter({ hasText: label }).first();
    await clickOnce(`"${label}" in the chat`, () => button, 2 * uiLimitMs);
  }

  /** All that the conversation shows, from the top. Waits until it contains `part`. */
  async transcript(part = ''): Promise<string> {
    return eventually(
      `the chat shows "${part}"`,
      async () => {
        const text = (await this.#session.locator('.interactive-item-container').allInnerTexts()).join('\n');
        return text.includes(part) ? text : undefined;
      },
      2 * uiLimitMs,
    );
  }

  /** Runs a command that shows something, again when it does not: right after the start not all is there. */
  async #show(command: string, what: Locator): Promise<void> {
    const show = async (): Promise<true> => {
      await this.#quickInput.runCommand(command);
      await what.waitFor({ timeout: 10_000 });
      return true;
    };
    await eventually(`"${command}" shows something`, show, 2 * uiLimitMs);
  }

  #input(): Locator {
    return this.#session.locator('.interactive-input-part .monaco-editor').first();
  }
}
