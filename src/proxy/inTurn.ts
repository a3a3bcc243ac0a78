/** What it returns is waited for if it is a promise. */
type Step<T> = (item: T, index: number) => unknown;

/**
 * Does one thing after the other: the next when the last one is done. Nothing is waited for as long as there is nothing to wait for,
 * which is the rule: a promise for each step would cost more than the steps.
 * @returns a promise if one of them returned one; it rejects as they do. @throws as those before that.
 */
export function inTurn<T>(items: readonly T[], step: Step<T>): Promise<void> | undefined {
  for (const [index, item] of items.entries()) {
    const wait = step(item, index);
    if (isPromise(wait)) return rest(wait, items, index + 1, step);
  }
  return undefined;
}

async function rest<T>(wait: PromiseLike<unknown>, items: readonly T[], from: number, step: Step<T>): Promise<void> {
  await wait;
  for (const [index, item] of items.entries()) if (index >= from) await step(item, index);
}

/** Also of another kind than Node's: the editor has its own. */
function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
