import assert from 'node:assert/strict';
import { eventually } from '../../host/eventually';
import type { TreeRow } from '../../host/treeViews';
import type { Workbench } from '../../host/workbench';

/** Waits until what an empty view says fits. */
export async function welcomes({ views }: Workbench, view: string, pattern: RegExp): Promise<void> {
  await fits(pattern, () => views.welcomeText(view));
}

/** Waits until a row's description fits. */
export async function described(workbench: Workbench, view: string, label: string, pattern: RegExp): Promise<void> {
  await fits(pattern, async () => (await rowOf(workbench, view, label)).description);
}

/** The first row with this label. */
export async function rowOf({ views }: Workbench, view: string, label: string): Promise<TreeRow> {
  await views.waitForRow(view, label);
  const row = (await views.rows(view)).find((one) => one.label === label);
  assert.ok(row);
  return row;
}

/** Waits until a text fits; a failure shows the last one. */
async function fits(pattern: RegExp, text: () => Promise<string>): Promise<void> {
  let last = '';
  await eventually(String(pattern), async () => {
    last = await text();
    return pattern.test(last) ? true : undefined;
  }).catch((error: unknown) => {
    if (pattern.test(last)) throw error;
    assert.match(last, pattern);
  });
}
