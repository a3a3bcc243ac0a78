import type { JSHandle, Locator } from 'playwright-core';
import { eventually, uiLimitMs } from './eventually';

/** The event that shows that a click has come; menus run on `mouseup`, and are gone before the click would follow. */
export type ClickEvent = 'click' | 'mouseup';

/** The part of the browser's elements that is used here; this project is compiled without the browser's types. */
interface WatchedElement {
  readonly textContent: string;
  closest(selector: string): WatchedElement | null;
  addEventListener(type: string, listener: (event: { stopImmediatePropagation(): void }) => void, capture: true): void;
}

/** What the page keeps of one try; it outlives the element. */
interface Watch {
  isClicked: boolean;
  isOver: boolean;
}

const tryLimitMs = 2_000;

/**
 * Clicks exactly once: the click has come to the element when this resolves, and no other was made.
 * VS Code draws rows and buttons anew at any time, and a click between the press and the release is lost without an error.
 * @param find is called before each try, brings the element on screen, and resolves with undefined when there is nothing to click.
 */
export async function clickOnce(
  what: string,
  find: () => Locator | undefined | Promise<Locator | undefined>,
  limitMs = uiLimitMs,
): Promise<void> {
  const tries: Try[] = [];
  await eventually(
    `${what} is clicked`,
    async () => {
      // A click that was given up may have come late.
      for (const earlier of tries) if (await earlier.isClicked()) return true;
      const target = await find();
      if (target === undefined) return true;
      const next = await Try.on(target, 'click');
      tries.push(next);
      await next.click();
      return true;
    },
    limitMs,
  );
}

/** Tries one click and rejects unless it has come to the element. Made for callers that can see whether one more is right. */
export async function tryClick(target: Locator, event: ClickEvent = 'click'): Promise<void> {
  await (await Try.on(target, event)).click();
}

/** Waits for an element to become visible; false when it does not. */
export async function appears(target: Locator, limitMs = tryLimitMs): Promise<boolean> {
  return target.waitFor({ timeout: limitMs }).then(
    () => true,
    () => false,
  );
}

type Target = Awaited<ReturnType<Locator['elementHandle']>>;

/** One click on one element. */
class Try {
  readonly #target: Target;
  readonly #watch: JSHandle<Watch>;
  /** What the browser driver says; the page may be another by the time that it is asked. */
  #seemsClicked = false;

  private constructor(target: Target, watch: JSHandle<Watch>) {
    this.#target = target;
    this.#watch = watch;
  }

  static async on(locator: Locator, event: ClickEvent): Promise<Try> {
    const target = await locator.elementHandle({ timeout: tryLimitMs });
    return new Try(target, await target.evaluateHandle(watchClicks, event));
  }

  async click(): Promise<void> {
    const error = await this.#target.click({ timeout: tryLimitMs }).then(
      () => undefined,
      (cause: unknown) => ({ cause }),
    );
    this.#seemsClicked = error === undefined;
    if (!(await this.isClicked())) throw new Error('the click was lost', error);
  }

  /** Whether the click has come. An error of the click says little: the click may have made the element go. */
  async isClicked(): Promise<boolean> {
    return this.#watch.evaluate(readWatch).catch(() => this.#seemsClicked);
  }
}

/** Runs in the page. */
function watchClicks(node: unknown, clicked: ClickEvent): Watch {
  const element = node as WatchedElement;
  const row = element.closest('.monaco-list-row') ?? element;
  const text = row.textContent;
  const watch = { isClicked: false, isOver: false };
  for (const type of ['mousedown', 'mouseup', 'click'])
    element.addEventListener(
      type,
      (event) => {
        // Lists use their rows again for other items: this click is not meant for this one.
        if (!watch.isOver && row.textContent !== text) event.stopImmediatePropagation();
        else if (type === clicked) watch.isClicked = true;
      },
      true,
    );
  return watch;
}

/** Runs in the page. */
async function readWatch(watch: Watch): Promise<boolean> {
  // What the browser driver has sent may still be on its way.
  if (!watch.isClicked) await new Promise((resolve) => setTimeout(resolve, 200));
  watch.isOver = true;
  return watch.isClicked;
}
