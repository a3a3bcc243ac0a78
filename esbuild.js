'use strict';
// One script builds everything that ships: the extension and the command line. Prints their sizes.
const { readFileSync } = require('node:fs');
const { gzipSync } = require('node:zlib');
const esbuild = require('esbuild');

const watch = process.argv.includes('--watch');

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  // jsonc-parser's UMD build breaks when bundled; its ES modules do not.
  mainFields: ['module', 'main'],
  minify: !watch,
  sourcemap: watch,
  legalComments: 'none',
  // Makes `await import()` of another bundle a `require`.
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
};

const bundles = [
  // `vscode` is there inside the editor only. Without it as an external, an import of it by the command line fails the build.
  { ...common, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js', external: ['vscode', './age', './linearPattern'] },
  { ...common, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js', banner: { js: '#!/usr/bin/env node' }, external: ['./toolClient', './age', './linearPattern'] },
  // The SDK's client, loaded by `mcp-secrets call` only.
  { ...common, entryPoints: ['src/cli/toolClient.ts'], outfile: 'dist/toolClient.js' },
  // Regular expressions that do not backtrack, loaded where a policy has a pattern.
  { ...common, entryPoints: ['src/bindings/linearPattern.ts'], outfile: 'dist/linearPattern.js' },
  // The age format, loaded when a backup is made or read.
  { ...common, entryPoints: ['src/vault/backup/age.ts'], outfile: 'dist/age.js' },
];

async function main() {
  if (watch) {
    await Promise.all(bundles.map(async (bundle) => (await esbuild.context({ ...bundle, logLevel: 'info' })).watch()));
    return;
  }
  for (const bundle of bundles) {
    await esbuild.build(bundle);
    const bytes = readFileSync(bundle.outfile);
    const kb = (n) => `${(n / 1000).toFixed(0)} KB`;
    console.log(`${bundle.outfile}  ${kb(bytes.length)} (${kb(gzipSync(bytes).length)} compressed)`);
  }
}

main().catch(() => process.exit(1));
