import { tryClick } from '../../host/clicks';
import { eventually, uiLimitMs } from '../../host/eventually';
import type { Workbench } from '../../host/workbench';
import { titled } from './actions';

/** Answers VS Code's own dialog for a file in the browser, a quick input that takes a path. */
export async function chooseFile(workbench: Workbench, title: string, path: string): Promise<void> {
  await titled(workbench, title);
  const widget = workbench.page.locator('.quick-input-widget');
  const box = widget.locator('.quick-input-box input');
  const ok = widget.locator('.quick-input-action .monaco-button').first();
  let isClicked = false;
  const isGone = async (): Promise<boolean> => !(await ok.isVisible()) || (await workbench.quickInput.title()) !== title;
  // It takes nothing while it reads a folder, and then puts the path of that into the box.
  await eventually(
    `the dialog takes ${path}`,
    async () => {
      // It may take its time to close; then the next question is not for the path.
      if (isClicked && (await isGone())) return true;
      await widget.locator('.monaco-list-row').first().waitFor({ timeout: 2_000 });
      await box.fill(path, { timeout: 2_000 });
      await workbench.page.waitForTimeout(500);
      if ((await box.inputValue()) !== path) return undefined;
      await tryClick(ok);
      isClicked = true;
      // It uses up a click, and stays, when it only now gets to know what the path is.
      return eventually(
        'it goes on',
        async () => ((await widget.isVisible()) && (await box.inputValue()) === path ? undefined : true),
        3_000,
      );
    },
    2 * uiLimitMs,
  );
}
