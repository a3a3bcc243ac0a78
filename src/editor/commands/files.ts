import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { SecretsError } from '../../shared/errors';
import { storeFailure } from '../../shared/storeFailure';

/** What a dialog is about: a name for people, and the ending of the files without its dot. */
export interface FileKind {
  readonly name: string;
  readonly ending: string;
}

/** Asks for a file to write; the dialog asks before one is replaced. Begins at home: a workspace is often shared. @returns its path. */
export async function askWhereToSave(title: string, name: string, kind: FileKind): Promise<string | undefined> {
  const day = new Date().toISOString().slice(0, 10);
  const defaultUri = vscode.Uri.file(join(homedir(), `${name}-${day}.${kind.ending}`));
  const uri = await vscode.window.showSaveDialog({ title, defaultUri, filters: { [kind.name]: [kind.ending] } });
  return uri && pathOf(uri);
}

/** Asks for a file to read. @returns its path. */
export async function askWhatToOpen(title: string, openLabel: string, kind?: FileKind): Promise<string | undefined> {
  const [uri] =
    (await vscode.window.showOpenDialog({
      title,
      openLabel,
      defaultUri: vscode.Uri.file(homedir()),
      ...(kind === undefined ? {} : { filters: { [kind.name]: [kind.ending], 'All files': ['*'] } }),
    })) ?? [];
  return uri && pathOf(uri);
}

/** Reads a file. @param limit bytes. @throws SecretsError `storeFailed`. */
export async function readWhole(path: string, limit: number): Promise<Buffer> {
  try {
    if ((await stat(path)).size <= limit) return await readFile(path);
  } catch (error) {
    throw storeFailure(path, error);
  }
  throw new SecretsError('storeFailed', { path, reason: `it has more than ${String(limit)} bytes` });
}

/** With a workspace on another machine the dialogs can also show files of this one, which we cannot reach. */
function pathOf(uri: vscode.Uri): string {
  if (uri.scheme === 'file') return uri.fsPath;
  throw new SecretsError('storeFailed', { path: uri.path, reason: 'it is not on the machine of the workspace' });
}
