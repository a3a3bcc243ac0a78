import * as vscode from 'vscode';
import { parseServersFile, SERVERS_FILE } from '../bindings/serversFile';
import { normalizeName } from '../vault/name';
import { openServersDocument, secretKeys } from './serversDocument';
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

function missing({ vault }: Workspace, document: vscode.TextDocument): vscode.Diagnostic[] {
  return secretKeys(document.getText()).flatMap(({ name, offset, length }) => {
    const normalized = missingName(name, (n) => vault.versionOf(n) !== undefined);
    if (normalized === undefined) return [];
    const message = `The secret ${normalized} does not exist yet.`;
    const diagnostic = new vscode.Diagnostic(rangeOf(document, offset, length), message, vscode.DiagnosticSeverity.Warning);
    diagnostic.source = SOURCE;
    diagnostic.code = MISSING_SECRET;
    return [diagnostic];
  });
}

/** The normalised name if it is a name and there is no such secret; a vault that cannot be read warns about nothing. */
function missingName(name: string, exists: (name: string) => boolean): string | undefined {
  try {
    const normalized = normalizeName(name);
    return exists(normalized) ? undefined : normalized;
  } catch {
    return undefined;
  }
}

function provideCodeActions(document: vscode.TextDocument, _range: vscode.Range, context: vscode.CodeActionContext): vscode.CodeAction[] {
  return context.diagnostics
    .filter(({ code, source }) => source === SOURCE && code === MISSING_SECRET)
    .map((diagnostic) => {
      const name = normalizeName(document.getText(diagnostic.range).replace(/^"|"$/g, ''));
      const action = new vscode.CodeAction(`Add secret ${name}`, vscode.CodeActionKind.QuickFix);
      action.command = { command: 'mcpSecrets.addSecret', title: action.title, arguments: [name] };
      action.diagnostics = [diagnostic];
      action.isPreferred = true;
      return action;
    });
}

function rangeOf(document: vscode.TextDocument, offset: number, length: number): vscode.Range {
  return new vscode.Range(document.positionAt(offset), document.positionAt(offset + length));
}
