import type { Page } from 'playwright-core';

/** Runs in the page, which this project has no types for. */
const READ_ALL = `(async () => {
  const readable = (value) => {
    if (value instanceof ArrayBuffer) value = new Uint8Array(value);
    if (ArrayBuffer.isView(value)) return new TextDecoder('latin1').decode(value) + new TextDecoder().decode(value);
    return typeof value === 'string' ? value : JSON.stringify(value) ?? '';
  };
  const wait = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const entries = [];
  for (const [area, storage] of [['localStorage', localStorage], ['sessionStorage', sessionStorage]])
    for (let i = 0; i < storage.length; i++) entries.push({ where: area + '/' + storage.key(i), text: storage.getItem(storage.key(i)) });
  for (const { name } of await indexedDB.databases()) {
    const database = await wait(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([wait(objects.getAllKeys()), wait(objects.getAll())]);
      keys.forEach((key, i) => entries.push({ where: [name, store, String(key)].join('/'), text: readable(values[i]) }));
    }
    database.close();
  }
  return entries;
})()`;

/** One entry of the browser's storage. */
export interface StorageEntry {
  readonly where: string;
  readonly text: string;
}

/** All that VS Code keeps in the browser: localStorage, sessionStorage, and every IndexedDB. */
export async function browserStorage(page: Page): Promise<StorageEntry[]> {
  return page.evaluate<StorageEntry[]>(READ_ALL);
}
