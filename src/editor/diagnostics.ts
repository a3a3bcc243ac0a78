import * as vscode from 'vscode';
import { parseServersFile, SERVERS_FILE } from '../bindings/serversFile';
import { TextLines } from '../shared/textLines';
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
  const uri = vscode.Uri.joinPath(workspace.folder.uri, SERVERS_FILE);
  const show = (): void => {
    const document = openServersDocument(workspace);
    // Of a file that is not open nothing is said, but what was said of it stays true.
    if (document === undefined && (collection.get(uri) ?? []).length === 0) return;
    const text = textOf(workspace);
    // VS Code keeps a document open for a while that nobody sees, also if its file is gone.
    const isGone = document === undefined || (text === '' && !document.isDirty);
    collection.set(uri, diagnose(workspace, isGone ? text : document.getText()));
  };
  const showIf = (document: vscode.TextDocument): void => {
    if (document.uri.toString() === uri.toString()) show();
  };
  show();
  return vscode.Disposable.from(
    collection,
    vscode.workspace.onDidOpenTextDocument(showIf),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      showIf(document);
    }),
    vscode.workspace.onDidCloseTextDocument(showIf),
    workspace.onDidChange(show),
    vscode.languages.registerCodeActionsProvider(
      { pattern: new vscode.RelativePattern(workspace.folder, SERVERS_FILE) },
      { provideCodeActions },
    ),
  );
}

/** What is in the file; nothing if it is not there. That it cannot be read is said elsewhere. */
function textOf({ servers }: Workspace): string {
  try {
    return servers.text();
  } catch {
    return '';
  }
}

function diagnose(workspace: Workspace, text: string): vscode.Diagnostic[] {
  const { problems } = parseServersFile(text, workspace.folder.uri.fsPath);
  const lines = new TextLines(text);
  const errors = problems.map(({ message, offset, length }) => {
    const diagnostic = new vscode.Diagnostic(rangeIn(lines, offset, length), message, vscode.DiagnosticSeverity.Error);
    diagnostic.source = SOURCE;
    return diagnostic;
  });
  // What is missing can be said of a text that can be read only.
  return problems.some(({ server }) => server === undefined) ? errors : [...errors, ...missing(workspace, text, lines)];
}

function missing({ vaults }: Workspace, text: string, lines: TextLines): vscode.Diagnostic[] {
  return secretKeys(text).flatMap((key) => {
    const secret = refOf(key);
    if (secret === undefined || exists(vaults, secret)) return [];
    const where = secret.scope === DEFAULT_SCOPE ? '' : ` in the scope "${secret.scope}"`;
    const message = `The secret ${secret.name} does not exist${where} yet.`;
    const diagnostic = new vscode.Diagnostic(rangeIn(lines, key.offset, key.length), message, vscode.DiagnosticSeverity.Warning);
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

/** As `positionAt` of a document has it; the file need not be open. */
function rangeIn(lines: TextLines, offset: number, length: number): vscode.Range {
  const [start, end] = [lines.at(offset), lines.at(offset + length)];
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
