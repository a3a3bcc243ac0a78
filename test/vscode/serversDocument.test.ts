import * as assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { ServersSource } from '../../src/bindings/source';
import { showServersFile } from '../../src/editor/serversDocument';

describe('the document of the servers file', () => {
  let servers: ServersSource;

  beforeEach(() => {
    // A folder that VS Code has never seen: of others it may still have documents.
    servers = new ServersSource(mkdtempSync(join(tmpdir(), 'mcps-folder-')));
  });

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    rmSync(servers.folder, { recursive: true, force: true });
  });

  it('is made where there is none, with its folder', async () => {
    await showServersFile({ servers });
    assert.match(readFileSync(servers.path, 'utf8'), /"servers": \{\}/);
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, servers.path);
  });

  it('is left as it is where VS Code does not open it', async () => {
    const bytes = Buffer.from([0x7b, 0, 0, 1, 2, 3, 0, 0xff, 0x7d]);
    mkdirSync(dirname(servers.path), { recursive: true });
    writeFileSync(servers.path, bytes);
    await assert.rejects(showServersFile({ servers }), { kind: 'serversFileUnopened' });
    assert.deepEqual(readFileSync(servers.path), bytes);
  });
});
