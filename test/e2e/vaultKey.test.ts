import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { withFileLock } from '../../src/shared/fileLock';
import { eventually } from '../host/eventually';
import { outDir, repoRoot } from '../host/paths';
import { extensionHostsOf } from '../host/processes';
import type { Workbench } from '../host/workbench';
import { titled } from './support/actions';
import { generationOfCopy } from './support/browserState';
import type { Seen } from './support/manySecrets';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { statusIs, storageOf } from './support/vault';
import { welcomes } from './support/views';

const SECRETS = 3_000;

/** What the head on the disk says; `keys`: those that secrets are sealed under. */
interface Head {
  readonly keyId: string;
  readonly nextKeyId?: string;
  readonly keys: readonly string[];
}

describe(`the key of a vault with ${String(SECRETS)} secrets`, () => {
  const session = new Session();
  const testsPath = join(outDir, 'test', 'vaultKey', 'manySecrets');
  let workbench: Workbench;
  let storage: string;
  let seenFile: string;

  before(async function () {
    this.timeout(600_000);
    await build({
      entryPoints: [join(repoRoot, 'test', 'e2e', 'support', 'manySecrets.ts')],
      outfile: `${testsPath}.js`,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      external: ['vscode'],
      logLevel: 'warning',
    });
    seenFile = `${testsPath}.${String(process.pid)}.json`;
    await session.start({ env: { MCP_SECRETS_TEST_SECRETS: String(SECRETS), MCP_SECRETS_TEST_SEEN: seenFile } });
    workbench = session.workbench;
    await seen();
    // A browser's windows read the secret storage once, when they start.
    await session.window.reload();
    await workbench.views.open('MCP Secrets');
    await statusIs(workbench, `MCP Secrets: ${String(SECRETS)}`);
    storage = await storageOf(session);
  });

  after(async () => {
    await session.dispose();
    await rm(seenFile, { force: true });
  });

  inSteps((name) => workbench.screenshot(name));

  /** What the extension sees in another window, which is opened for that; the first time, that one makes the vault. */
  async function seen(): Promise<Seen> {
    if (existsSync(seenFile)) await writeFile(seenFile, '');
    const page = await session.window.openWindow(session.workspace, testsPath);
    const text = await eventually(
      'the other window has looked',
      async () => (existsSync(seenFile) ? (await readFile(seenFile, 'utf8')) || undefined : undefined),
      120_000,
    );
    await page.close();
    await workbench.page.bringToFront();
    const answer = JSON.parse(text) as Seen | { readonly problem: string };
    if ('problem' in answer) throw new Error(answer.problem);
    return answer;
  }

  async function head(): Promise<Head> {
    const text = await readFile(join(storage, 'vault.store'), 'utf8');
    const stored = JSON.parse(text.slice(text.indexOf('{'))) as { keyId: string; nextKeyId?: string; shards: { keyId: string }[] };
    return { ...stored, keys: [...new Set(stored.shards.map(({ keyId }) => keyId))] };
  }

  async function holdsOneKey(keyId: string): Promise<void> {
    const { stored, ...rest } = await seen();
    const keys = stored.filter((name) => name.startsWith('rootKey/'));
    assert.ok(keys.length === 1 && keys[0]?.endsWith(`/${keyId}`) === true, stored.join());
    assert.deepEqual([rest.secrets, rest.right, rest.isRotating], [SECRETS, SECRETS, false]);
  }

  /** @param confirm what is done with the question open. */
  async function rotate(confirm = (): Promise<void> => workbench.dialogButton('Replace Key')): Promise<void> {
    await workbench.runCommand('MCP Secrets: Replace Key…');
    assert.match(await workbench.dialogText(), /Replace the key of this vault\?/);
    await confirm();
  }

  it('is replaced with progress; all values open under the new one, and there is no other', async () => {
    const before = await head();
    await holdsOneKey(before.keyId);
    // Who replaces the key waits for the lock of the vault meanwhile, but not for long: no more than this is done in there.
    await rotate(() =>
      withFileLock(join(storage, 'vault.store'), async () => {
        await workbench.dialogButton('Replace Key');
        await workbench.notifications('Replacing the key of the vault');
      }),
    );
    await workbench.screenshot('key-1-progress');
    await eventually(
      'the rotation is over',
      async () => {
        const now = await head();
        return now.keyId !== before.keyId && now.nextKeyId === undefined ? true : undefined;
      },
      120_000,
    );
    const after = await head();
    assert.deepEqual(after.keys, [after.keyId]);
    await holdsOneKey(after.keyId);
    await eventually('the message goes', async () =>
      (await workbench.notifications()).every((text) => !text.includes('Replacing the key')) ? true : undefined,
    );
  });

  /** Replaces the key and kills the extension hosts in the middle of that. False: it was over before that was seen. */
  async function cutShort(): Promise<boolean> {
    const { keyId } = await head();
    const hosts = extensionHostsOf(session.window.root);
    await rotate();
    // They stand still while they are looked at.
    const isCut = await eventually('it is under way, or over', async () => {
      signal(hosts, 'SIGSTOP');
      const now = await head();
      const isUnderWay = now.nextKeyId !== undefined && now.keys.length > 1;
      if (!isUnderWay) signal(hosts, 'SIGCONT');
      return isUnderWay || (now.keyId !== keyId && now.nextKeyId === undefined) ? isUnderWay : undefined;
    });
    if (isCut) signal(hosts, 'SIGKILL');
    return isCut;
  }

  it('goes on at the next start when it was cut short, without a question', async () => {
    for (let tries = 1; !(await cutShort()); tries += 1) assert.ok(tries < 5, 'it was over already each time');
    const cut = await head();
    assert.ok(cut.nextKeyId !== undefined && cut.keys.includes(cut.keyId) && cut.keys.includes(cut.nextKeyId), JSON.stringify(cut));
    await session.window.reload();
    await workbench.views.open('MCP Secrets');
    await eventually(
      'the rotation is over',
      async () => {
        const now = await head();
        return now.keyId === cut.nextKeyId && now.nextKeyId === undefined ? true : undefined;
      },
      120_000,
    );
    const after = await head();
    assert.deepEqual(after.keys, [after.keyId]);
    await holdsOneKey(after.keyId);
  });

  it('Destroy All asks for a word; Escape and other words destroy nothing', async () => {
    await workbench.runCommand('MCP Secrets: Destroy All Secrets…');
    const question = await workbench.dialogText();
    assert.match(question, /Destroy all secrets of this workspace\?/);
    assert.match(
      question,
      /3000 secrets of web-shop with all versions, those that Start Fresh has moved aside, and the key\. Only a backup can bring them back\./,
    );
    assert.deepEqual((await workbench.dialogButtons()).sort(), ['Cancel', 'Create Backup First', 'Destroy…']);
    await workbench.screenshot('destroy-1-question');
    await workbench.dialogButton('Cancel');
    for (const word of ['', 'yes', 'Destroy', 'destroy ']) {
      await workbench.runCommand('MCP Secrets: Destroy All Secrets…');
      await workbench.dialogButton('Destroy…');
      await titled(workbench, 'Destroy All Secrets');
      await workbench.quickInput.text(word);
      await workbench.quickInput.message('Type "destroy", or press Escape');
      if (word === 'yes') await workbench.screenshot('destroy-2-wrong-word');
      await workbench.quickInput.cancel();
    }
    const { secrets, right } = await seen();
    assert.deepEqual([secrets, right], [SECRETS, SECRETS]);
  });

  it('Destroy All leaves nothing of the vault and no key', async () => {
    await eventually('there is a copy in the workspace state', async () =>
      (await generationOfCopy(workbench.page)) > 0 ? true : undefined,
    );
    await workbench.runCommand('MCP Secrets: Destroy All Secrets…');
    await workbench.dialogButton('Destroy…');
    await titled(workbench, 'Destroy All Secrets');
    await workbench.quickInput.text('destroy');
    await welcomes(workbench, 'Secrets', /There are no secrets in this workspace yet/);
    const { stored, secrets } = await seen();
    assert.deepEqual([stored, secrets], [[], 0]);
    const left = await readdir(storage, { recursive: true });
    assert.deepEqual(
      left.filter((name) => /vault\.(store$|store\.previous|parts|archived)|key/.test(name)),
      [],
    );
    await eventually('the copy is gone', async () => ((await generationOfCopy(workbench.page)) === 0 ? true : undefined));
  });
});

/** Those that have ended in the meantime get none. */
function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    }
  }
}
