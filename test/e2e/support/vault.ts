import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../host/eventually';
import type { Workbench } from '../../host/workbench';
import { titled } from './actions';
import type { Session } from './session';
import { described } from './views';

/** Waits until the status bar says this of our product, e.g. `MCP Secrets: Locked`. */
export async function statusIs(workbench: Workbench, text: string): Promise<void> {
  let last: string[] = [];
  await eventually(`the status bar says ${text}`, async () => {
    last = await workbench.statusBarText();
    return last.some((one) => one.endsWith(text)) ? true : undefined;
  }).catch(() => {
    assert.deepEqual(last, text);
  });
}

/** Waits until a view says this above its items. */
export async function viewSays({ views }: Workbench, view: string, pattern: RegExp): Promise<void> {
  let last = '';
  await eventually(String(pattern), async () => {
    last = await views.message(view);
    return pattern.test(last) ? true : undefined;
  }).catch(() => {
    assert.match(last, pattern);
  });
}

/** Answers a box that asks for a passphrase; it must hide what is typed. */
export async function givePassphrase(workbench: Workbench, title: string, passphrase: string): Promise<void> {
  await titled(workbench, title);
  assert.ok(await workbench.quickInput.isPassword(), 'the box shows what is typed');
  await workbench.quickInput.text(passphrase);
}

/** Approves a server by the palette. */
export async function approve(workbench: Workbench, server: string): Promise<void> {
  await workbench.runCommand('MCP Secrets: Approve Server');
  await titled(workbench, 'Approve Server');
  await workbench.quickInput.pick(server);
  await workbench.dialogButton('Approve');
  await described(workbench, 'Servers', server, / · ready · /);
}

/** The folder in which the extension keeps what belongs to the workspace of a session. */
export async function storageOf({ window }: Session): Promise<string> {
  const root = join(window.dataDir, 'data', 'User', 'workspaceStorage');
  const folders = (await readdir(root)).map((id) => join(id, 'mcp-secrets.mcp-secrets')).filter((path) => existsSync(join(root, path)));
  const [folder] = folders;
  assert.ok(folder !== undefined && folders.length === 1, folders.join());
  return join(root, folder);
}
