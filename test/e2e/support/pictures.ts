import type { Workbench } from '../../host/workbench';

/** A picture of the window in a dark and one in a light theme. It is in the dark one before and after. */
export async function pictures(workbench: Workbench, name: string): Promise<void> {
  const toggle = 'Preferences: Toggle between Light/Dark Themes';
  await workbench.screenshot(`${name}-dark`);
  await workbench.runCommand(toggle);
  await workbench.page.locator('.monaco-workbench.vs').waitFor();
  await workbench.screenshot(`${name}-light`);
  await workbench.runCommand(toggle);
  await workbench.page.locator('.monaco-workbench.vs-dark').waitFor();
}
