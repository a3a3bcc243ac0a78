import { SecretsError } from '../../shared/errors';
import { reasonIn, stringAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import type { Item } from './catalog';

/** More than any honest server has. */
const MAX_PAGES = 200;
const MAX_ITEMS = 10_000;

/**
 * A whole list, page by page.
 * @param field where the items are in a result. @param ask asks for the page at a cursor.
 * @throws SecretsError `listFailed` with the server's words if it refuses, `upstreamNonsense` if it does not end; what `ask` throws.
 */
export async function wholeList(
  server: string,
  field: string,
  ask: (cursor: string | undefined) => Promise<Message | undefined>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await ask(cursor);
    if (answer?.error !== undefined || answer === undefined)
      throw new SecretsError('listFailed', { server, what: field, why: reasonIn(answer?.error) });
    const found = (answer.result as Readonly<Record<string, unknown>> | null | undefined)?.[field];
    if (Array.isArray(found)) for (const item of found as unknown[]) if (isItem(item)) items.push(item);
    cursor = stringAt(answer.result, 'nextCursor');
    if (cursor === undefined) return items;
    if (items.length > MAX_ITEMS) break;
  }
  throw new SecretsError('upstreamNonsense', { server, what: 'a list without an end' });
}

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
