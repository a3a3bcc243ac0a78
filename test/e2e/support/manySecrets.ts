import assert from 'node:assert/strict';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Container } from '../../../src/editor/container';
import type { Exports } from '../../../src/extension';
import type { SecretSnapshot } from '../../../src/vault/secret';

/** What a window sees of the vault from inside. */
export interface Seen {
  /** The names of what is in the secret storage, besides what is kept of them. */
  readonly stored: readonly string[];
  readonly isRotating: boolean;
  /** How many secrets there are, and how many of them have the value that they were given. */
  readonly secrets: number;
  readonly right: number;
}

const nameOf = (index: number): string => `KEY_${String(index)}`;
const valueOf = (index: number, version: number): string => `value ${String(version)} of ${String(index)}`;

/**
 * Called by VS Code in the extension host. Fills an empty vault with as many secrets, of three versions each, as the environment
 * says (once), and writes what it sees, or what went wrong, into the file that the environment names.
 */
export async function run(): Promise<void> {
  const file = process.env.MCP_SECRETS_TEST_SEEN;
  assert.ok(file !== undefined);
  const seen = await fillAndLook(!existsSync(file)).catch((error: unknown) => ({ problem: String(error) }));
  writeFileSync(`${file}.new`, JSON.stringify(seen));
  renameSync(`${file}.new`, file);
}

async function fillAndLook(isFirst: boolean): Promise<Seen> {
  const exports = await vscode.extensions.getExtension<Exports>('mcp-secrets.mcp-secrets')?.activate();
  assert.ok(exports?.container?.workspace);
  const { container } = exports;
  if (isFirst) await container.workspace?.vaults.workspace.restore(secrets(Number(process.env.MCP_SECRETS_TEST_SECRETS)), 'user');
  return look(container);
}

function secrets(count: number): SecretSnapshot[] {
  return Array.from({ length: count }, (_, index) => ({
    scope: 'workspace',
    name: nameOf(index),
    createdAt: Date.now(),
    versions: [1, 2, 3].map((version) => ({ version, createdAt: Date.now(), value: Buffer.from(valueOf(index, version)) })),
  }));
}

async function look({ context, workspace }: Container): Promise<Seen> {
  const vault = workspace?.vaults.workspace;
  assert.ok(vault);
  const { size } = vault;
  let right = 0;
  for (let index = 0; index < size; index += 1) {
    const [opened] = await vault.open([nameOf(index)]);
    if (opened?.value.toString() === valueOf(index, 3)) right += 1;
    opened?.value.fill(0);
  }
  // Since 1.104, and not in the types of the oldest VS Code that we run in.
  const stored = await (context.secrets as unknown as { keys(): Thenable<string[]> }).keys();
  return { stored, isRotating: vault.isRotating, secrets: size, right };
}
