import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';

/** The id of a workspace as VS Code makes them, with the number that a further extension host on it gets. */
const NUMBERED = /^(-?[0-9a-f]+)-[1-9]$/;

/**
 * The storage folder that all windows on one workspace share. On a remote machine or in a browser, VS Code gives
 * each further window on a workspace a folder of its own, `<workspace id>-1/…`, in which it would see nothing of the others.
 */
export function sharedStorage(storage: vscode.Uri): vscode.Uri {
  const shared = NUMBERED.exec(basename(dirname(storage.path)))?.[1];
  return shared === undefined ? storage : vscode.Uri.joinPath(storage, '..', '..', shared, basename(storage.path));
}
