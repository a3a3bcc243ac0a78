import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import type { Vaults } from '../../../src/vault/vaults';
import { eventually } from '../../host/eventually';

/** What a window leaves for the others and for the test: what it expects of every secret that it wrote. */
export interface WriterReport {
  readonly operations: number;
  /** By `scope/NAME`: the value of the newest version, or null for a deleted secret. */
  readonly expected: Readonly<Record<string, string | null>>;
  /** The versions that its writes of the shared secret were given. */
  readonly shared: readonly number[];
  /** Set once it has seen everything that all windows expect. */
  readonly verified?: boolean;
}

/** The secret that all windows write. */
export const SHARED = 'SHARED';

/** How often one change may find the vault busy. */
const TRIES = 10;

/**
 * Called by VS Code in the extension host of each window: writes 1,000 times, waits until the other windows have too,
 * and checks that everything that any of them was told is there.
 */
export async function run(): Promise<void> {
  const folder = process.env.MCP_SECRETS_TEST_REPORTS;
  const windows = Number(process.env.MCP_SECRETS_TEST_WINDOWS);
  assert.ok(folder !== undefined && windows > 0);
  const exports = await vscode.extensions.getExtension<Exports>('mcp-secrets.mcp-secrets')?.activate();
  const vaults = exports?.container?.workspace?.vaults;
  assert.ok(vaults);
  await ready(vaults, folder, windows);
  const report = await write(vaults, 1_000);
  save(folder, `${String(process.pid)}.json`, report);
  await eventually('the other windows have written', () => (reports(folder).length === windows ? true : undefined), 600_000);
  for (const { expected } of reports(folder)) await check(vaults, expected);
  save(folder, `${String(process.pid)}.json`, { ...report, verified: true });
}

/**
 * All start together: else they would not get in each other's way. The first window makes the vaults before the next one
 * opens, because a browser's windows read the secret storage once, when they start.
 */
async function ready(vaults: Vaults, folder: string, windows: number): Promise<void> {
  if (vaults.workspace.size === 0) {
    await vaults.workspace.set('FIRST', Buffer.from('first'), 'user');
    await vaults.user.set('FIRST', Buffer.from('first'), 'user', 'user');
  }
  save(folder, `${String(process.pid)}.ready`, {});
  const isReady = (name: string): boolean => name.endsWith('.ready') && !name.startsWith('.');
  await eventually(
    'the other windows are there',
    () => (readdirSync(folder).filter(isReady).length === windows ? true : undefined),
    300_000,
  );
}

/**
 * Tries again when the lock of a vault was lost, or not had: a machine that stands still for seconds makes another window
 * take it over. Nothing was written then, as the lock is confirmed right before a change takes place.
 */
async function persistently<T>(change: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await change();
    } catch (error) {
      // The extension has its own copy of the class.
      if ((error as { kind?: unknown }).kind !== 'storeBusy' || tries >= TRIES) throw error;
    }
  }
}

async function write(vaults: Vaults, operations: number): Promise<WriterReport> {
  const expected: Record<string, string | null> = {};
  const previous = new Map<string, string>();
  const shared: number[] = [];
  for (let i = 0; i < operations; i += 1) {
    const scope = i % 7 === 0 ? 'user' : i % 3 === 0 ? 'other' : 'workspace';
    const name = `W${String(process.pid)}_${String(i % 25)}`;
    const key = `${scope}/${name}`;
    const vault = vaults.of(scope);
    const now = expected[key];
    const before = previous.get(key);
    if (i % 10 === 0) {
      // Made anew each time, as `set` overwrites it.
      const info = await persistently(() => vaults.workspace.set(SHARED, Buffer.from(`value ${key}`), 'user'));
      shared.push(info.version);
    } else if (i % 4 === 1 && typeof now === 'string' && before !== undefined) {
      await persistently(() => vault.rollback(name, 'user', scope));
      expected[key] = before;
      previous.set(key, now);
    } else if (i % 9 === 2 && typeof now === 'string') {
      await persistently(() => vault.delete(name, 'user', scope));
      expected[key] = null;
      previous.delete(key);
    } else {
      const value = `value ${String(i)} of ${key}`;
      await persistently(() => vault.set(name, Buffer.from(value), 'user', scope));
      if (typeof now === 'string') previous.set(key, now);
      expected[key] = value;
    }
  }
  return { operations, expected, shared };
}

async function check(vaults: Vaults, expected: WriterReport['expected']): Promise<void> {
  for (const [key, value] of Object.entries(expected)) {
    const [scope = '', name = ''] = key.split('/');
    if (value === null) assert.equal(vaults.infoOf(name, scope), undefined, key);
    else assert.equal((await vaults.open([name], scope))[0]?.value.toString(), value, key);
  }
}

/** The reports that are there, whole. */
function reports(folder: string): WriterReport[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as WriterReport);
}

function save(folder: string, name: string, content: object): void {
  const temporary = join(folder, `.${name}`);
  writeFileSync(temporary, JSON.stringify(content));
  renameSync(temporary, join(folder, name));
  assert.ok(existsSync(join(folder, name)));
}
