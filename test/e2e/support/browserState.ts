import type { Page } from 'playwright-core';

/** Runs in the page, which this project has no types for. Hands each workspace state of our extension to `change`, and keeps what that returns. */
const EACH_STATE = `async (change) => {
  const wait = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  for (const { name } of await indexedDB.databases()) {
    if (!name.startsWith('vscode-web-state-db-')) continue;
    const database = await wait(indexedDB.open(name));
    const items = database.transaction('ItemTable', 'readwrite').objectStore('ItemTable');
    const text = await wait(items.get('mcp-secrets.mcp-secrets'));
    const changed = text === undefined ? undefined : change(JSON.parse(text));
    if (changed !== undefined) await wait(items.put(JSON.stringify(changed), 'mcp-secrets.mcp-secrets'));
    database.close();
  }
}`;

/** The generation of the copy of the vault that the browser keeps on its disk; 0 if there is none. */
export async function generationOfCopy(page: Page): Promise<number> {
  return page.evaluate<number>(`(async () => {
    let found = 0;
    await (${EACH_STATE})((state) => { found = Math.max(found, state['tree/vault']?.generation ?? 0); });
    return found;
  })()`);
}

/** Removes that copy. Only while no window is open. */
export async function removeCopy(page: Page): Promise<void> {
  await page.evaluate(`(${EACH_STATE})((state) => { delete state['tree/vault']; return state; })`);
}

/** Removes all that the browser keeps of the workspace state, as if it had not been written in time. Only while no window is open. */
export async function forgetState(page: Page): Promise<void> {
  await page.evaluate(`(${EACH_STATE})(() => ({}))`);
}
