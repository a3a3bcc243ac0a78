import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { verifyTrail } from '../../../src/audit/verify';
import { parseArguments } from '../../../src/cli/arguments';
import { runCommand } from '../../../src/cli/commands';
import { openHeadless } from '../../../src/cli/headless';
import type { Headless } from '../../../src/cli/headless';
import { FileTreeStore } from '../../../src/shared/fileTreeStore';
import { silentLogger } from '../../../src/shared/logger';
import { modelOf, snapshotsOf } from './vaultModel';
import type { Model, Operation } from './vaultModel';
import { editorVaults } from './windowVaults';
import type { Stores } from './windowVaults';

/** What a vault's head is kept in, headless and in the editor. */
const HEADS = ['vault.json', 'vault.store'];

/** The headless state of one workspace, in which processes are killed, and what it must be like afterwards. */
export class CrashHome {
  readonly workspace: string;
  /** The whole environment of what runs here. */
  readonly env: Record<string, string>;
  readonly #home: string;

  /** @param folder empty; it is made. */
  constructor(folder: string) {
    this.workspace = join(folder, 'workspace');
    this.#home = join(folder, 'state');
    this.env = { PATH: process.env.PATH ?? '', HOME: folder, MCP_SECRETS_HOME: this.#home };
    mkdirSync(this.workspace, { recursive: true });
  }

  /** Lets a process of ours look, as the next command does. */
  async with<T>(look: (headless: Headless) => Promise<T>): Promise<T> {
    const headless = openHeadless(this.workspace, this.env, silentLogger);
    try {
      return await look(headless);
    } finally {
      await headless.close();
    }
  }

  /** Puts secrets into the vaults. */
  async fill(model: Model): Promise<void> {
    await this.with((headless) => headless.vaults.restore(snapshotsOf(model), 'cli'));
  }

  /** Everything that is there, opened. Every version of every secret must open. */
  async content(stores: Stores = 'files'): Promise<{ model: Model; isRotating: boolean }> {
    return this.with(async (headless) => {
      const vaults = stores === 'editor' ? editorVaults(headless) : headless.vaults;
      assert.deepEqual([...(await vaults.workspace.check()), ...(await vaults.user.check())], [], 'does not open');
      const model = modelOf(await vaults.snapshot(true));
      return { model, isRotating: vaults.workspace.isRotating || vaults.user.isRotating };
    });
  }

  /** What the next start and the next change of each vault do. */
  async goOn(marks: readonly (Operation & { kind: 'set' })[]): Promise<void> {
    await this.with(async (headless) => {
      const { vaults } = headless;
      await headless.resume();
      assert.ok(!vaults.workspace.isRotating && !vaults.user.isRotating, 'the next start has finished the rotation');
      for (const { scope, name, value } of marks) await vaults.of(scope).set(name, Buffer.from(value), 'cli', scope);
    });
  }

  /** `key rotate` */
  async rotate(): Promise<void> {
    await this.with((headless) => runCommand(parseArguments(['key', 'rotate']), headless));
  }

  /** The keys in the key file. */
  keys(): string[] {
    return readFileSync(join(this.#home, 'key'), 'utf8').trim().split('\n');
  }

  /** What `audit verify` finds. */
  async auditProblem(): Promise<unknown> {
    return this.with(async ({ audit, vaults }) => (await verifyTrail(audit.path, vaults.auditKeys())).problem);
  }

  /** Makes the time go by after which the locks of a dead process, and a vault that it was about to make, do not count any more. */
  letTimePass(): void {
    const long = new Date(Date.now() - 2 * 86_400_000);
    for (const path of this.#entries())
      if (path.endsWith('.lock') || basename(dirname(path)) === 'given-keys') utimesSync(path, long, long);
  }

  /** Files and folders in the state of the vaults that no vault needs: what a change must leave none of. */
  junk(): string[] {
    return this.#entries().filter((path) => !this.#isNeeded(path));
  }

  #entries(): string[] {
    if (!existsSync(this.#home)) return [];
    return readdirSync(this.#home, { recursive: true, encoding: 'utf8' }).map((name) => join(this.#home, name));
  }

  #isNeeded(path: string): boolean {
    const name = basename(path);
    const parent = basename(dirname(path));
    if (parent === 'vault.parts') return this.#partsOf(dirname(dirname(path))).has(name);
    if (parent === 'generations' || parent === 'given-keys') return this.#vaultIds().includes(name);
    if (statSync(path).isDirectory())
      return ['workspaces', 'user', 'window', 'generations', 'given-keys', 'vault.parts'].includes(name) || parent === 'workspaces';
    return ['key', ...HEADS, ...HEADS.map((head) => `${head}.previous`), 'audit.jsonl', 'audit.head'].includes(name);
  }

  /** The parts of the head and of the one before. */
  #partsOf(folder: string): Set<string> {
    const heads = HEADS.flatMap((name) => [name, `${name}.previous`])
      .map((name) => join(folder, name))
      .filter((path) => existsSync(path));
    return new Set(heads.flatMap((path) => new FileTreeStore(path).names()));
  }

  #vaultIds(): string[] {
    const heads = this.#entries().filter((path) => HEADS.includes(basename(path)));
    return heads.map((path) => (JSON.parse(new FileTreeStore(path).read() ?? '{}') as { vaultId: string }).vaultId);
  }
}
