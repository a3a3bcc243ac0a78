import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The colour themes that a test can ask for. */
export type Theme = 'light' | 'dark' | 'hc';

const themes: Record<Theme, string> = {
  light: 'Light 2026',
  dark: 'Dark 2026',
  hc: 'Default High Contrast',
};

/** A quiet VS Code: nothing pops up by itself, nothing moves, nothing calls out. */
const quiet: Record<string, unknown> = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.reduceMotion': 'on',
  'workbench.hover.delay': 60_000,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'window.autoDetectColorScheme': false,
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'remote.autoForwardPorts': false,
  'editor.accessibilitySupport': 'off',
};

/** Writes the user settings of a launch; `settings` wins over the theme and over the quiet defaults. */
export async function writeUserSettings(dataDir: string, theme: Theme, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const folder = join(dataDir, 'data', 'User');
  await mkdir(folder, { recursive: true });
  const all = { ...quiet, 'workbench.colorTheme': themes[theme], ...settings };
  await writeFile(join(folder, 'settings.json'), JSON.stringify(all, null, 2));
}
