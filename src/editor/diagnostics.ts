import * as vscode from 'vscode';
import { parseServersFile, SERVERS_FILE } from '../bindings/serversFile';
import { normalizeName, SCOPE_NAME } from '../vault/name';
import { DEFAULT_SCOPE } from '../vault/secret';
import type { Vaults } from '../vault/vaults';
import { problemOf } from './commands/pick';
import { labelOf } from './secretRef';
import type { SecretRef } from './secretRef';
import { openServersDocument, secretKeys } from './serversDocument';
import type { SecretKey } from './serversDocument';
import type { Workspace } from './workspace';

/** The code of the warning about a secret that does not exist; the quick fix looks for it. */
export const MISSING_SECRET = 'secretMissing';

const SOURCE = 'MCP Secrets';

/** Shows what is wrong in the servers file in the Problems panel, as it is typed. */
export function registerDiagnostics(workspace: Workspace): vscode.Disposable {
  const collection = vscode.languages.createDiagnosticCollection('mcp-secrets');
  const show = (document: vscode.TextDocument): void => {
    if (!isServersFile(workspace, document)) return;
    collection.set(document.uri, diagnose(workspace, document));
  };
  const showOpen = (): void => {
    const document = openServersDocument(workspace);
    if (document !== undefined) show(document);
  };
  showOpen();
  return vscode.Disposable.from(
    collection,
    vscode.workspace.onDidOpenTextDocument(show),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      show(document);
    }),
    vscode.workspace.onDidDeleteFiles(({ files }) => {
      for (const uri of files) collection.delete(uri);
    }),
    workspace.onDidChange(showOpen),
    vscode.languages.registerCodeActionsProvider(
      { pattern: new vscode.RelativePattern(workspace.folder, SERVERS_FILE) },
      { provideCodeActions },
    ),
  );
}

/** Compared by path before the servers source is made: this is asked for every document. */
function isServersFile({ folder }: Workspace, { uri }: vscode.TextDocument): boolean {
  return uri.toString() === vscode.Uri.joinPath(folder.uri, SERVERS_FILE).toString();
}

function diagnose(workspace: Workspace, document: vscode.TextDocument): vscode.Diagnostic[] {
  const { problems } = parseServersFile(document.getText(), workspace.folder.uri.fsPath);
  const errors = problems.map(({ message, offset, length }) => {
    const diagnostic = new vscode.Diagnostic(rangeOf(document, offset, length), message, vscode.DiagnosticSeverity.Error);
    diagnostic.source = SOURCE;
    return diagnostic;
  });
  // What is missing can be said of a text that can be read only.
  return problems.some(({ server }) => server === undefined) ? errors : [...errors, ...missing(workspace, document)];
}

function missing({ vaults }: Workspace, document: vscode.TextDocument): vscode.Diagnostic[] {
  return secretKeys(document.getText()).flatMap((key) => {
    const secret = refOf(key);
    if (secret === undefined || exists(vaults, secret)) return [];
    const where = secret.scope === DEFAULT_SCOPE ? '' : ` in the scope "${secret.scope}"`;
    const message = `The secret ${secret.name} does not exist${where} yet.`;
    const diagnostic = new vscode.Diagnostic(rangeOf(document, key.offset, key.length), message, vscode.DiagnosticSeverity.Warning);
    diagnostic.source = SOURCE;
    diagnostic.code = MISSING_SECRET;
    return [diagnostic];
  });
}

/** The secret that a key stands for; `undefined` if it can be none, which the errors say. */
function refOf({ scope, name }: SecretKey): SecretRef | undefined {
  return SCOPE_NAME.test(scope) && problemOf(() => normalizeName(name)) === undefined ? { scope, name: normalizeName(name) } : undefined;
}

/** A vault that cannot be read is no reason for a warning. */
function exists(vaults: Vaults, { scope, name }: SecretRef): boolean {
  try {
    return vaults.infoOf(name, scope) !== undefined;
  } catch {
    return true;
  }
}

function provideCodeActions(document: vscode.TextDocument, _range: vscode.Range, context: vscode.CodeActionContext): vscode.CodeAction[] {
  const keys = new Map(secretKeys(document.getText()).map((key) => [key.offset, key]));
  return context.diagnostics
    .filter(({ code, source }) => source === SOURCE && code === MISSING_SECRET)
    .flatMap((diagnostic) => {
      const key = keys.get(document.offsetAt(diagnostic.range.start));
      const secret = key && refOf(key);
      if (secret === undefined) return []; // The text has changed since.
      const action = new vscode.CodeAction(`Add secret ${labelOf(secret)}`, vscode.CodeActionKind.QuickFix);
      action.command = { command: 'mcpSecrets.addSecret', title: action.title, arguments: [secret] };
      action.diagnostics = [diagnostic];
      action.isPreferred = true;
      return [action];
    });
}

function rangeOf(document: vscode.TextDocument, offset: number, length: number): vscode.Range {
  return new vscode.Range(document.positionAt(offset), document.positionAt(offset + length));
}
