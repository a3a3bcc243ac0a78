import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eventually, uiLimitMs } from '../../host/eventually';
import type { Workbench } from '../../host/workbench';

/** Writes the servers file of a workspace from outside VS Code. */
export async function writeServersFile(workspace: string, content: string | object): Promise<void> {
  const path = join(workspace, '.vscode', 'mcp-secrets.json');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
}

/** What our product says in the Problems panel, each as `line severity message`; waits until one contains `part`. */
export async function ourProblems(workbench: Workbench, part: string): Promise<string[]> {
  let all: string[] = [];
  return eventually(`the Problems panel says "${part}"`, async () => {
    all = (await workbench.problems()).filter((text) => text.includes('MCP Secrets'));
    return all.some((text) => text.includes(part)) ? all : undefined;
  }).catch((error: unknown) => {
    throw new Error(`it says: ${all.join(' | ')}`, { cause: error });
  });
}

/** Puts the cursor of the active editor to a place, both counted from 1. */
export async function goTo({ page, quickInput }: Workbench, line: number, column: number): Promise<void> {
  await page.locator('.editor-group-container.active .monaco-editor').first().click({ timeout: uiLimitMs });
  await page.keyboard.press('Control+G');
  await quickInput.text(`:${String(line)}:${String(column)}`);
}

/** Types into the active editor until VS Code offers something with this label; returns all labels that it offers. */
export async function offered({ page }: Workbench, label: string): Promise<string[]> {
  const rows = page.locator('.suggest-widget.visible .monaco-list-row');
  return eventually(`"${label}" is offered`, async () => {
    await page.keyboard.press('Control+Space');
    await rows.first().waitFor({ timeout: 2_000 });
    const labels = (await rows.locator('.label-name').allInnerTexts()).map((text) => text.trim());
    if (labels.some((one) => one.includes(label))) return labels;
    await page.keyboard.press('Escape');
    return undefined;
  });
}
