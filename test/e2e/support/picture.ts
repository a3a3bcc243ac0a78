import { join } from 'node:path';
import { uiLimitMs } from '../../host/eventually';
import { repoRoot } from '../../host/paths';
import type { Workbench } from '../../host/workbench';

/** Takes the picture of the README, `media/screenshot.png`, when the environment says MCP_SECRETS_PICTURE=1. */
export async function takePicture(workbench: Workbench): Promise<void> {
  if (process.env.MCP_SECRETS_PICTURE !== '1') return;
  const { page } = workbench;
  await workbench.runCommand('MCP Secrets: Open Servers File');
  await page.locator('.monaco-editor .view-line').first().waitFor({ timeout: uiLimitMs });
  await closeAdvice(workbench);
  for (const summary of await page.getByText(/^Completed \d+ steps/).all()) await summary.click();
  await drag(workbench, 0, 90);
  await drag(workbench, -1, -80);
  await page.mouse.move(640, 790);
  await page.screenshot({ path: join(repoRoot, 'media', 'screenshot.png') });
}

/** VS Code's advice about other models is no part of the product. */
async function closeAdvice({ page }: Workbench): Promise<void> {
  const words = await page.getByText('Set BYOK utility models').first().boundingBox();
  const around = await page.locator('.interactive-input-part').first().boundingBox();
  if (words === null || around === null) return;
  await page.mouse.click(around.x + around.width - 20, words.y + words.height / 2);
}

/** Moves one of the borders between side bar, editor and chat. */
async function drag({ page }: Workbench, which: number, by: number): Promise<void> {
  const borders = await page.locator('.monaco-sash.vertical:not(.disabled)').all();
  const places = await Promise.all(borders.map((border) => border.boundingBox()));
  const tall = places.filter((box) => box !== null && box.height > 600).sort((a, b) => (a?.x ?? 0) - (b?.x ?? 0));
  const box = tall.at(which);
  if (box === null || box === undefined) return;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + by / 2, y, { steps: 5 });
  await page.mouse.move(x + by, y, { steps: 5 });
  await page.mouse.up();
}
