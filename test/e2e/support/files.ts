import type { Workbench } from '../../host/workbench';
import { titled } from './actions';

/** Answers VS Code's own dialog for a file in the browser, a quick input that takes a path. */
export async function chooseFile(workbench: Workbench, title: string, path: string): Promise<void> {
  await titled(workbench, title);
  await workbench.quickInput.text(path);
}

/** Takes a picture in the dark theme and in the light one. */
export async function inBothThemes(workbench: Workbench, name: string): Promise<void> {
  await workbench.screenshot(`${name}-dark`);
  await switchTheme(workbench, 'vs');
  await workbench.screenshot(`${name}-light`);
  await switchTheme(workbench, 'vs-dark');
}

async function switchTheme({ page, quickInput }: Workbench, base: 'vs' | 'vs-dark'): Promise<void> {
  await quickInput.runCommand('Preferences: Toggle between Light/Dark Themes');
  await page.locator(`.monaco-workbench.${base}`).waitFor();
}
