'use strict';
const tseslint = require('typescript-eslint');

/**
 * The borders of the house: what each folder of src/ may import. Imports run one way,
 * shared <- audit <- vault <- bindings <- proxy <- { cli, editor }.
 */
const mayImport = {
  shared: [],
  audit: ['shared'],
  vault: ['shared', 'audit'],
  bindings: ['shared', 'audit', 'vault'],
  proxy: ['shared', 'audit', 'vault', 'bindings'],
  agents: ['shared', 'bindings'],
  cli: ['shared', 'audit', 'vault', 'bindings', 'proxy', 'agents'],
  editor: ['shared', 'audit', 'vault', 'bindings', 'proxy', 'agents'],
};

const noVscode = { name: 'vscode', message: 'Only src/editor/ and src/extension.ts know that there is an editor.' };

const borders = Object.entries(mayImport).map(([folder, allowed]) => {
  const forbidden = Object.keys(mayImport).filter((other) => other !== folder && !allowed.includes(other));
  return {
    files: [`src/${folder}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: folder === 'editor' ? [] : [noVscode],
          patterns: [
            ...(forbidden.length > 0
              ? [{ group: forbidden.map((other) => `**/${other}/*`), message: `src/${folder}/ may import ${allowed.join(', ') || 'nothing'} only.` }]
              : []),
            { group: ['**/extension'], message: 'Nothing imports extension.ts.' },
            // The rest of the proxy is its own business.
            ...(folder === 'cli' || folder === 'editor'
              ? [{ regex: '/proxy/(?!proxy$|front/agents$|explain$|explanationText$)', message: 'Use the face of the proxy: proxy/proxy.ts.' }]
              : []),
          ],
        },
      ],
    },
  };
});

const syntax = [
  { selector: 'ExportAllDeclaration', message: 'No barrels.' },
  { selector: "MemberExpression[object.name='process'][property.name='env'] + SpreadElement", message: 'Never hand on the whole environment.' },
  { selector: "SpreadElement > MemberExpression[object.name='process'][property.name='env']", message: 'Never hand on the whole environment.' },
];
/** Notifications make links of what they quote. */
const notifications = {
  selector: 'Identifier[name=/^show(Information|Warning|Error)Message$/]',
  message: 'Use src/editor/notify.ts, which makes sure that foreign text does not become a link.',
};

module.exports = tseslint.config(
  { ignores: ['dist/', 'out/', 'node_modules/', '.vscode-test/', '.bench/', '.conformance/', 'esbuild.js', 'eslint.config.js', 'test/**/*.{js,mjs,cjs}'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: __dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...syntax, notifications],
      eqeqeq: 'error',
    },
  },
  ...borders,
  { files: ['src/extension.ts'], rules: { 'no-restricted-imports': 'off' } },
  { files: ['src/editor/notify.ts'], rules: { 'no-restricted-syntax': ['error', ...syntax] } },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-console': 'off',
      'no-restricted-syntax': ['error', { selector: 'ExportAllDeclaration', message: 'No barrels.' }],
      // mocha's describe and it, and assertions on values of unknown shape.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
);
