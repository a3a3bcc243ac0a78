import type { Locator, Page } from 'playwright-core';
import { appears, clickOnce, tryClick } from './clicks';
import { eventually, uiLimitMs } from './eventually';

/** A row of a tree view as the user sees it; `ariaLabel` is what a screen reader says. */
export interface TreeRow {
  readonly label: string;
  readonly description: string;
  readonly ariaLabel: string;
  /** 1 for the top level. */
  readonly level: number;
}

/** The part of the browser's elements that is used here; this project is compiled without the browser's types. */
interface RowElement {
  readonly isConnected: boolean;
  getAttribute(name: string): string | null;
  querySelector(selector: string): { readonly textContent: string } | null;
}

interface StyledPage {
  getComputedStyle(element: unknown, part: string): { readonly content: string };
}

/** The side bar's views. Views and rows are named as on screen; only rows on screen count. */
export class TreeViews {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Shows the view container with this title by its icon in the activity bar. */
  async open(containerTitle: string): Promise<void> {
    const icon = this.#icon(containerTitle);
    const title = this.#page.locator('.part.sidebar .composite.title').getByText(containerTitle).first();
    const open = async (): Promise<true> => {
      // Clicking the icon of the container that is open would close it.
      if ((await icon.getAttribute('aria-expanded', { timeout: 2_000 })) !== 'true') await icon.click({ timeout: 2_000 });
      await title.waitFor({ timeout: 2_000 });
      return true;
    };
    // Right after the start VS Code may still put back what was open before.
    await eventually(`the side bar shows "${containerTitle}"`, open, 2 * uiLimitMs);
  }

  /** Closes a view, which leaves its room to the others. */
  async collapse(viewTitle: string): Promise<void> {
    await this.#toggle(viewTitle, false);
  }

  /** The rows of a view, from the top; empty when the view has none. */
  async rows(viewTitle: string): Promise<TreeRow[]> {
    const tree = await this.#tree(viewTitle);
    return tree.locator('.monaco-list-row').evaluateAll((elements: RowElement[]) =>
      elements
        // The list keeps its elements in any order and places them by index.
        .sort((a, b) => Number(a.getAttribute('data-index')) - Number(b.getAttribute('data-index')))
        .map((element) => ({
          label: element.querySelector('.label-name')?.textContent.trim() ?? '',
          description: element.querySelector('.label-description')?.textContent.trim() ?? '',
          ariaLabel: element.getAttribute('aria-label') ?? '',
          level: Number(element.getAttribute('aria-level')),
        })),
    );
  }

  /** Waits for a row with this label. */
  async waitForRow(viewTitle: string, rowLabel: string): Promise<void> {
    await (await this.#row(viewTitle, rowLabel)).waitFor({ timeout: uiLimitMs });
  }

  /** Waits until no row with this label is there. */
  async waitForNoRow(viewTitle: string, rowLabel: string): Promise<void> {
    await (await this.#row(viewTitle, rowLabel)).waitFor({ state: 'detached', timeout: uiLimitMs });
  }

  /** Clicks a row, which runs its command, or opens or closes it when it has children. */
  async click(viewTitle: string, rowLabel: string): Promise<void> {
    const row = await this.#row(viewTitle, rowLabel);
    await clickOnce(`"${rowLabel}"`, () => row);
  }

  /** Clicks a row twice, which runs its command twice; again, when `opens` does not appear: the clicks were lost then. */
  async doubleClick(viewTitle: string, rowLabel: string, opens: Locator): Promise<void> {
    const row = await this.#row(viewTitle, rowLabel);
    await eventually(`"${rowLabel}" takes a double click`, async () => {
      if (await opens.isVisible()) return true;
      await row.dblclick({ timeout: 2_000 });
      return (await appears(opens, 5_000)) ? true : undefined;
    });
  }

  /** Opens a row that has children, or is about to have some; does nothing when it is open. */
  async expand(viewTitle: string, rowLabel: string): Promise<void> {
    const row = await this.#row(viewTitle, rowLabel);
    await eventually(`"${rowLabel}" opens`, async () => {
      const open = await row.getAttribute('aria-expanded', { timeout: 2_000 });
      if (open === 'false') await row.locator('.monaco-tl-twistie').click({ timeout: 2_000 });
      return open === 'true' ? true : undefined;
    });
  }

  /** Clicks an inline action of a row. VS Code may still run it without the row: see `rowAction` of the end-to-end tests. */
  async itemAction(viewTitle: string, rowLabel: string, actionTitle: string, limitMs = uiLimitMs): Promise<void> {
    const row = await this.#row(viewTitle, rowLabel);
    const action = row.locator(`.actions .action-label[aria-label^=${quote(actionTitle)}]`);
    const find = async (): Promise<Locator> => {
      // Only the row under the mouse shows its actions.
      await row.hover({ timeout: 2_000 });
      // While a view is read anew, VS Code runs the command of a row and does not say of which one.
      const element = await action.elementHandle({ timeout: 2_000 });
      await row.page().waitForTimeout(400);
      if (!(await element.evaluate((node: unknown) => (node as RowElement).isConnected))) throw new Error('the row was drawn anew');
      return action;
    };
    await clickOnce(`"${actionTitle}" of "${rowLabel}"`, find, limitMs);
  }

  /** Chooses an entry of a row's context menu. */
  async itemMenu(viewTitle: string, rowLabel: string, menuTitle: string): Promise<void> {
    const row = await this.#row(viewTitle, rowLabel);
    const entry = this.#page.locator('.monaco-menu .action-menu-item').filter({
      has: this.#page.getByText(menuTitle, { exact: true }),
    });
    let isClicked = false;
    await eventually(`the menu takes "${menuTitle}"`, async () => {
      if (isClicked && !(await entry.isVisible())) return true;
      isClicked = false;
      await this.#openMenu(row, entry);
      await tryClick(entry, 'mouseup');
      isClicked = true;
      return entry.waitFor({ state: 'hidden', timeout: 2_000 }).then(() => true);
    });
  }

  /** The decoration at the end of a row, e.g. `E`; empty when it has none. */
  async decoration(viewTitle: string, rowLabel: string): Promise<string> {
    const label = (await this.#row(viewTitle, rowLabel)).locator('.monaco-icon-label').first();
    // It is content made by a style, and no text of the page.
    const content = await label.evaluate(
      (element: unknown) => (globalThis as unknown as StyledPage).getComputedStyle(element, '::after').content,
      undefined,
      { timeout: uiLimitMs },
    );
    return content.startsWith('"') ? content.slice(1, -1) : '';
  }

  /** The number on a view container's icon; empty when it has none. */
  async badge(containerTitle: string): Promise<string> {
    const badge = this.#icon(containerTitle).locator('.badge-content');
    return (await badge.isVisible()) ? badge.innerText() : '';
  }

  /** Clicks an action in a view's title. */
  async viewAction(viewTitle: string, actionTitle: string): Promise<void> {
    const pane = this.#pane(viewTitle);
    await clickOnce(`"${actionTitle}" of "${viewTitle}"`, async () => {
      // Only the header under the mouse shows its actions.
      await pane.locator('.pane-header').hover({ timeout: 2_000 });
      return pane.locator(`.pane-header .action-label[aria-label^=${quote(actionTitle)}]`);
    });
  }

  /** What an empty view says, buttons included. */
  async welcomeText(viewTitle: string): Promise<string> {
    return this.#pane(viewTitle).locator('.welcome-view-content').innerText({ timeout: uiLimitMs });
  }

  /** What a view says above its items; empty when it says nothing. Waits for the view. */
  async message(viewTitle: string): Promise<string> {
    const pane = this.#pane(viewTitle);
    await pane.waitFor({ state: 'attached', timeout: uiLimitMs });
    const texts = await pane.locator('.tree-explorer-viewlet-tree-view > .message').allInnerTexts();
    return texts.join('\n').trim();
  }

  /** Opens a row's context menu, unless it is open, and waits until it takes clicks. */
  async #openMenu(row: Locator, entry: Locator): Promise<void> {
    if (!(await entry.isVisible())) {
      await row.click({ button: 'right', timeout: 2_000 });
      if (!(await appears(entry))) {
        // It may be the menu of another row, which took the place of this one.
        await this.#page.keyboard.press('Escape');
        throw new Error('the menu does not show it');
      }
    }
    // A menu takes no clicks in its first 100 ms. Waited for in the page, so that both timers are late together.
    await entry.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)), undefined, { timeout: 2_000 });
  }

  #icon(containerTitle: string): Locator {
    const label = this.#page.locator(`.action-label[aria-label^=${quote(containerTitle)}]`);
    return this.#page.locator('.activitybar .action-item').filter({ has: label }).first();
  }

  #pane(viewTitle: string): Locator {
    return this.#page.locator('.pane').filter({ has: this.#page.locator(`[role=tree][aria-label=${quote(viewTitle)}]`) });
  }

  async #tree(viewTitle: string): Promise<Locator> {
    await this.#toggle(viewTitle, true);
    const tree = this.#page.locator(`[role=tree][aria-label=${quote(viewTitle)}]`);
    await tree.waitFor({ state: 'attached', timeout: uiLimitMs });
    return tree;
  }

  /** Opens or closes a view by its header, clicking only while that says that it is not so yet. */
  async #toggle(viewTitle: string, open: boolean): Promise<void> {
    const header = this.#page.locator(`.pane-header[aria-label=${quote(`${viewTitle} Section`)}]`);
    await header.waitFor({ state: 'attached', timeout: uiLimitMs });
    await eventually(`"${viewTitle}" ${open ? 'opens' : 'closes'}`, async () => {
      const expanded = await header.getAttribute('aria-expanded', { timeout: 2_000 });
      // One that does not say is taken for open.
      if (expanded === String(open) || (open && expanded === null)) return true;
      if (expanded !== null) await header.click({ timeout: 2_000 });
      return undefined;
    });
  }

  async #row(viewTitle: string, rowLabel: string): Promise<Locator> {
    const name = this.#page.locator('.label-name').getByText(rowLabel, { exact: true });
    return (await this.#tree(viewTitle)).locator('.monaco-list-row').filter({ has: name }).first();
  }
}

/** A CSS string: the same escapes as JSON for all that a title may hold. */
function quote(text: string): string {
  return JSON.stringify(text);
}
