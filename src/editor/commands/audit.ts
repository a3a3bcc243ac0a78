import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { version } from '../../../package.json';
import type { TrailReport } from '../../audit/chainCheck';
import type { AuditEntry } from '../../audit/entry';
import { exportTrail } from '../../audit/exportTrail';
import type { ExportFormat } from '../../audit/exportTrail';
import { verifyTrail } from '../../audit/verify';
import { SecretsError } from '../../shared/errors';
import { storeFailure } from '../../shared/storeFailure';
import { filterWords, fitsFilter, isEmpty } from '../activityFilter';
import type { Container } from '../container';
import { notify } from '../notify';
import type { Workspace } from '../workspace';
import type { GlobalCommand, WorkspaceCommand } from './command';
import { askWhereToSave } from './files';

/** The commands about the audit trail. */
export const auditCommands = {
  'mcpSecrets.verifyAudit': { needs: 'trust', run: verifyAudit },
  'mcpSecrets.exportAudit': { needs: 'nothing', run: exportAudit },
  'mcpSecrets.showAuditFile': { needs: 'folder', run: showAuditFile },
} satisfies Record<string, GlobalCommand | WorkspaceCommand>;

/** Checks the whole trail. What is wrong with it becomes an error that offers to show the place. */
async function verifyAudit({ audit, vaults, passphrase }: Workspace): Promise<void> {
  await audit.flush();
  const progress = { location: vscode.ProgressLocation.Notification, title: 'Verifying the audit trail' };
  const check = (): Promise<TrailReport> => reading(audit.path, () => verifyTrail(audit.path, vaults.auditKeys()));
  // Without the key of the vault nothing can be said: it is asked for here, and not while the trail is read.
  vaults.refuseUnlessOpen();
  await passphrase.during(() => vaults.state());
  const { entries, unkeyed, problem } = await vscode.window.withProgress(progress, check);
  if (problem !== undefined) throw new SecretsError('auditBroken', { problem: problem.kind, seq: problem.seq, file: problem.file });
  const forgeable = unkeyed > 0 ? ` ${String(unkeyed)} of them were written before there was a key: those could be forged.` : '';
  void notify(
    'info',
    entries === 0 ? 'The audit trail has no entries yet.' : `The audit trail has ${countEntries(entries)}, all in place.${forgeable}`,
  );
}

const FORMATS: readonly (vscode.QuickPickItem & { readonly format: ExportFormat })[] = [
  { label: 'JSON Lines', description: 'the entries as they are in the trail', format: 'jsonl' },
  { label: 'CSV', description: 'a table, for spreadsheets', format: 'csv' },
  { label: 'CEF', description: 'Common Event Format, for SIEM systems', format: 'cef' },
];

/** Writes the trail, or what the view Activity shows of it, to a file of this user's alone. */
async function exportAudit({ workspace, activityView: { filter } }: Container): Promise<void> {
  if (workspace === undefined) throw new SecretsError('noFolder', {});
  const title = 'Export Audit Trail';
  const picked = await vscode.window.showQuickPick(FORMATS, { title, placeHolder: 'In which format?' });
  if (picked === undefined) return;
  const all = isEmpty(filter) || (await askWhetherAll(title, filterWords(filter)));
  if (all === undefined) return;
  const { label, format } = picked;
  const output = await askWhereToSave(title, `audit-${workspace.folder.name}`, { name: label, ending: format });
  if (output === undefined) return;

  const { audit } = workspace;
  await audit.flush();
  const now = Date.now();
  const where = (entry: AuditEntry): boolean => fitsFilter(entry, filter, now);
  const options = { path: audit.path, format, version, ...(all ? {} : { filter: { where } }) };
  const entries = await reading(output, () => exportTrail(options, output, 'replace'));
  audit.record({ actor: 'user', action: 'audit.export', outcome: 'ok' });
  void notify('info', `${output} holds ${countEntries(entries)}.`);
}

async function askWhetherAll(title: string, filter: string): Promise<boolean | undefined> {
  const items = [
    { label: 'All entries', all: true },
    { label: 'What the filter shows', description: filter, all: false },
  ];
  return (await vscode.window.showQuickPick(items, { title, placeHolder: 'Which entries?' }))?.all;
}

/** Shows the current file of the trail, or the place that it is called with: `{ file, seq }` as an `auditBroken` has them. */
async function showAuditFile({ audit }: Workspace, place?: unknown): Promise<void> {
  await audit.flush();
  const { file = basename(audit.path), seq } = placeIn(place);
  try {
    const editor = await vscode.window.showTextDocument(vscode.Uri.file(join(dirname(audit.path), basename(file))));
    if (seq !== undefined) showEntry(editor, seq);
  } catch {
    await notify('info', 'Nothing has been recorded yet.');
  }
}

/** Puts the cursor to an entry, or to the first one after it. */
function showEntry(editor: vscode.TextEditor, seq: number): void {
  const lines = editor.document.getText().split('\n');
  const found = lines.findIndex((line) => Number(/"seq":(\d+),/.exec(line)?.[1]) >= seq);
  const place = new vscode.Position(found < 0 ? lines.length - 1 : found, 0);
  editor.selection = new vscode.Selection(place, place);
  editor.revealRange(new vscode.Range(place, place), vscode.TextEditorRevealType.InCenter);
}

function placeIn(argument: unknown): { file?: string; seq?: number } {
  if (typeof argument !== 'object' || argument === null || !('file' in argument) || !('seq' in argument)) return {};
  const { file, seq } = argument;
  return typeof file === 'string' && typeof seq === 'number' ? { file, seq } : {};
}

/** What goes wrong with a file, in our words. */
async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ELOCKED') throw new SecretsError('storeBusy', { path });
    throw storeFailure(path, error);
  }
}

function countEntries(n: number): string {
  return n === 1 ? '1 entry' : `${String(n)} entries`;
}
