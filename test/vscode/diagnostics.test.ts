import * as assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import * as vscode from 'vscode';
import type { Workspace } from '../../src/editor/workspace';
import { activated, eventually, reset, writeServersFile } from './support';

describe('diagnostics of the servers file', () => {
  let workspace: Workspace;

  before(async () => {
    ({ workspace } = await activated());
  });

  beforeEach(() => reset(workspace));
  after(() => reset(workspace));

  /** Waits until the Problems panel says exactly this about a file, each as `line severity message`. */
  async function says(uri: vscode.Uri, expected: string[]): Promise<void> {
    let found: string[] = [];
    await eventually('the problems are shown', () => {
      found = vscode.languages
        .getDiagnostics(uri)
        .filter(({ source }) => source === 'MCP Secrets')
        .map(({ range, severity, message }) => `${String(range.start.line + 1)} ${vscode.DiagnosticSeverity[severity]} ${message}`)
        .sort();
      return isDeepStrictEqual(found, expected) ? true : undefined;
    }).catch(() => undefined);
    assert.deepEqual(found, expected);
  }

  const cases: [what: string, text: string, expected: string[]][] = [
    [
      'a syntax error',
      '{\n  "servers": {\n    "a" {}\n  }\n}',
      ['3 Error Syntax error: Colon Expected.', '5 Error Syntax error: End Of File Expected.'],
    ],
    [
      'unknown fields',
      '{\n  "servers": {\n    "a": {\n      "url": "https://a.example",\n      "usr": 1\n    }\n  },\n  "inputs": []\n}',
      ['5 Error Unknown field "usr".', '8 Error "inputs" are not used here: add a secret instead and bind it under "secrets".'],
    ],
    [
      'a wrong mode',
      '{\n  "servers": {\n    "a": {\n      "url": "https://a.example",\n      "secrets": {\n        "KEY": "cookie"\n      }\n    }\n  }\n}',
      ['6 Error The mode must be "header", "bearer", "body" or "env".', '6 Warning The secret KEY does not exist yet.'],
    ],
    [
      'two servers of one name',
      '{\n  "servers": {\n    "a": { "url": "https://a.example" },\n    "a": { "url": "https://b.example" }\n  }\n}',
      ['4 Error There are two servers named "a". Neither is used until one of them has another name.'],
    ],
  ];

  for (const [what, text, expected] of cases) {
    it(`shows ${what} on the right line`, async () => {
      const uri = writeServersFile(workspace, text);
      await vscode.workspace.openTextDocument(uri);
      await says(uri, expected);
    });
  }

  /** Shows the file with this text, as if it had been typed and not saved. */
  async function type(text: string): Promise<vscode.TextDocument> {
    const document = await vscode.workspace.openTextDocument(writeServersFile(workspace, '{}'));
    // A document that was opened before may still be reloading.
    await eventually('the text is typed', async () => {
      const editor = await vscode.window.showTextDocument(document);
      await editor.edit((edit) => {
        edit.replace(new vscode.Range(0, 0, document.lineCount, 0), text);
      });
      return document.getText() === text && document.isDirty ? true : undefined;
    });
    return document;
  }

  it('follows what is typed but not saved, and secrets that are added', async () => {
    const { uri } = await type('{"servers":{"a":{"command":"a","secrets":{"typed-key":"env"}}}}');
    await says(uri, ['1 Warning The secret TYPED_KEY does not exist yet.']);

    const range = vscode.languages.getDiagnostics(uri)[0]?.range;
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', uri, range);
    const [fix] = actions.filter(({ title }) => title === 'Add secret TYPED_KEY');
    assert.deepEqual(fix?.command?.arguments, [{ scope: 'workspace', name: 'TYPED_KEY' }]);

    await workspace.vaults.workspace.set('TYPED_KEY', Buffer.from('typed-value'), 'user');
    await says(uri, []);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('says no more of a file that is put right or taken away while nobody looks at it', async () => {
    const wrong = '{ "servers": { "a": { "url": "https://a.example", "usr": 1 } } }';
    const uri = writeServersFile(workspace, wrong);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
    await says(uri, ['1 Error Unknown field "usr".']);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await says(uri, ['1 Error Unknown field "usr".']);
    writeServersFile(workspace, `\n\n${wrong}`);
    await says(uri, ['3 Error Unknown field "usr".']);
    writeServersFile(workspace, '{ "servers": { "a": { "url": "https://a.example" } } }');
    await says(uri, []);
    writeServersFile(workspace, wrong);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
    await says(uri, ['1 Error Unknown field "usr".']);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    writeServersFile(workspace, undefined);
    await says(uri, []);
  });

  it('offers the names of secrets and the modes of the type for completion', async () => {
    await workspace.vaults.workspace.set('COMPLETE_ME', Buffer.from('some-value'), 'user');
    const { uri } = await type(
      '{\n  "servers": {\n    "a": {\n      "type": "stdio",\n      "command": "a",\n      "secrets": { "": "" }\n    }\n  }\n}',
    );
    const offered = async (column: number): Promise<string[]> => {
      const at = new vscode.Position(5, column);
      const list = await vscode.commands.executeCommand<vscode.CompletionList>('vscode.executeCompletionItemProvider', uri, at);
      return list.items.map(({ label }) => (typeof label === 'string' ? label : label.label).replaceAll('"', ''));
    };
    const waitFor = (what: string, column: number): Promise<string[]> =>
      eventually(`${what} is offered`, async () => {
        const found = await offered(column);
        return found.includes(what) ? found : undefined;
      });
    await waitFor('COMPLETE_ME', 20);
    const modes = await waitFor('env', 24);
    assert.ok(modes.includes('body') && !modes.includes('header') && !modes.includes('bearer'), modes.join(' '));

    await workspace.vaults.workspace.set('ADDED_LATER', Buffer.from('some-value'), 'user');
    await waitFor('ADDED_LATER', 20);
    const others = vscode.languages.getDiagnostics(uri).filter(({ source }) => source !== 'MCP Secrets');
    assert.deepEqual(others, [], 'the schema is for help only: what is wrong is said once, by us');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });
});
