import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Installs an extension's folder by copying it to where VS Code looks at its first start.
 * (Only one extension can be under development in a browser window: a second one replaces the first.)
 */
export async function installExtension(folder: string, extensionsDir: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, string>;
  const { publisher, name, version } = manifest;
  if (publisher === undefined || name === undefined || version === undefined) {
    throw new Error(`${folder}: package.json needs publisher, name and version`);
  }
  await cp(folder, join(extensionsDir, `${publisher}.${name}-${version}`), { recursive: true });
}
