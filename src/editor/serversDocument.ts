import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import type { Node } from 'jsonc-parser';
import * as vscode from 'vscode';
import { SecretsError } from '../shared/errors';
import { storeFailure } from '../shared/storeFailure';
import { DEFAULT_SCOPE } from '../vault/secret';
import type { Workspace } from './workspace';

const SKELETON = `{
  // MCP servers, and the secrets that each of them receives: names only, never values.
  "servers": {}
}
`;

/** The servers file if it is open in an editor, with what is typed there but not saved. */
export function openServersDocument({ servers }: Workspace): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'file' && uri.fsPath === servers.path);
}

/**
 * Changes the servers file through its document, so that an open editor, its undo history and what is typed there
 * but not saved yet are kept; then saves it.
 * @param make gives the new text, or throws; then nothing has changed.
 * @throws what `make` throws, SecretsError `serversFileUnopened`, and `storeFailed` if it cannot be saved.
 */
export async function changeServersFile(workspace: Workspace, make: (text: string) => string): Promise<void> {
  const { path } = workspace.servers;
  const next = make(openServersDocument(workspace)?.getText() ?? workspace.servers.text());
  const document = await openOrMake(path, '');
  const edit = new vscode.WorkspaceEdit();
  const { range, text } = difference(document, next);
  edit.replace(document.uri, range, text);
  if (!(await vscode.workspace.applyEdit(edit)) || !(await document.save())) {
    throw new SecretsError('storeFailed', { path, reason: 'the editor could not save it' });
  }
  workspace.serversFileChanged();
}

/** Shows the servers file, at a server if one is named. Makes the file if there is none. @throws SecretsError `serversFileUnopened`, `storeFailed`. */
export async function showServersFile({ servers }: Pick<Workspace, 'servers'>, server?: string): Promise<void> {
  const document = await openOrMake(servers.path, SKELETON);
  const editor = await vscode.window.showTextDocument(document);
  const root = server === undefined ? undefined : parseTree(document.getText(), [], { allowTrailingComma: true });
  const node = root && findNodeAtLocation(root, ['servers', server ?? '']);
  const key = node?.parent?.children?.[0];
  if (node === undefined || key === undefined) return;
  const start = document.positionAt(key.offset);
  editor.selection = new vscode.Selection(start, start);
  editor.revealRange(
    new vscode.Range(start, document.positionAt(node.offset + node.length)),
    vscode.TextEditorRevealType.InCenterIfOutsideViewport,
  );
}

/** Where the name of a secret stands in the text of a servers file. */
export interface SecretKey {
  /** As it is written. */
  readonly name: string;
  /** The scope that its server names. */
  readonly scope: string;
  /** In UTF-16 units, quotes included. */
  readonly offset: number;
  readonly length: number;
}

/** The names of secrets in the text of a servers file. A text with syntax errors may have some, too. */
export function secretKeys(text: string): SecretKey[] {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const servers = root && findNodeAtLocation(root, ['servers']);
  return properties(servers).flatMap(([, server]) => {
    if (server.type !== 'object') return [];
    const named: unknown = findNodeAtLocation(server, ['scope'])?.value;
    const scope = typeof named === 'string' ? named : DEFAULT_SCOPE;
    const keys = properties(findNodeAtLocation(server, ['secrets']));
    return keys.map(([key]) => ({ name: String(key.value), scope, offset: key.offset, length: key.length }));
  });
}

function properties(node: Node | undefined): [key: Node, value: Node][] {
  if (node?.type !== 'object') return [];
  return (node.children ?? []).flatMap(({ children: [key, value] = [] }) => (key && value ? [[key, value] as [Node, Node]] : []));
}

async function openOrMake(path: string, text: string): Promise<vscode.TextDocument> {
  const uri = vscode.Uri.file(path);
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    // It need not be missing: it can be binary, too large, or in use.
    if (!makeFile(path, text)) throw new SecretsError('serversFileUnopened', { path });
    return vscode.workspace.openTextDocument(uri);
  }
}

/** Writes a file where there is none. @returns whether there was none. */
function makeFile(path: string, text: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (existsSync(path)) return false;
    throw storeFailure(path, error);
  }
}

/** The one stretch of a document that has to change, so that cursors elsewhere stay where they are. */
function difference(document: vscode.TextDocument, next: string): { range: vscode.Range; text: string } {
  const old = document.getText();
  const shorter = Math.min(old.length, next.length);
  let start = 0;
  while (start < shorter && old[start] === next[start]) start++;
  let end = 0;
  while (end < shorter - start && old[old.length - 1 - end] === next[next.length - 1 - end]) end++;
  const range = new vscode.Range(document.positionAt(start), document.positionAt(old.length - end));
  return { range, text: next.slice(start, next.length - end) };
}
