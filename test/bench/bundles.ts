import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { projectRoot } from './workplace';

/** How large a bundle is, in bytes. */
export interface BundleSize {
  readonly file: string;
  readonly raw: number;
  readonly gzip: number;
}

/** The sizes of those bundles that have been built. */
export function bundleSizes(): BundleSize[] {
  return ['dist/extension.js', 'dist/cli.js'].flatMap((file) => {
    const content = readIfThere(file);
    return content === undefined ? [] : [{ file, raw: content.length, gzip: gzipSync(content).length }];
  });
}

/** How long `activate()` took when the tests in VS Code last measured it, if they did. */
export function activationMilliseconds(): number | undefined {
  const content = readIfThere('out/activation.json');
  return content === undefined ? undefined : (JSON.parse(content.toString('utf8')) as { milliseconds?: number }).milliseconds;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(join(projectRoot, file));
  } catch {
    return undefined;
  }
}
