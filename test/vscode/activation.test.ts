import * as assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { commandIds } from '../../src/editor/ids';
import { activated } from './support';

describe('activation', () => {
  it('touches no secret, file or port', async () => {
    const { activatedInMs, container, workspace } = await activated();
    console.log(`activate() took ${activatedInMs.toFixed(1)} ms`);
    // Far more than it takes: how quick it is, the benchmarks tell, from here.
    const out = join(container.context.extensionPath, 'out');
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'activation.json'), JSON.stringify({ milliseconds: activatedInMs }));
    assert.ok(activatedInMs > 0 && activatedInMs < 10_000);
    const { storageUri } = container.context;
    assert.ok(storageUri);
    assert.equal(existsSync(join(storageUri.fsPath, 'vault.store')), false);
    assert.equal(existsSync(workspace.socketPath), false);
  });

  it('registers exactly the commands that package.json declares', async () => {
    const { container } = await activated();
    const { contributes } = container.context.extension.packageJSON as { contributes: { commands: { command: string }[] } };
    const declared = contributes.commands.map(({ command }) => command).sort();
    const registered = (await vscode.commands.getCommands(true)).filter((id) => /^mcpSecrets\.[a-zA-Z]+$/.test(id)).sort();
    assert.deepEqual(declared, [...commandIds].sort());
    assert.deepEqual(registered, declared);
  });

  it('gives every command, view and setting words', async () => {
    const { container } = await activated();
    const text = JSON.stringify(container.context.extension.packageJSON);
    assert.doesNotMatch(text, /%[a-z]+\.[A-Za-z.]+%/);
  });
});
