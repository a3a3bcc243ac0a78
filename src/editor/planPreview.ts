import * as vscode from 'vscode';
import { describePlan } from '../bindings/plan';
import type { Server } from '../bindings/server';

const SCHEME = 'mcp-secrets-plan';
/** What a dialog shows at once on a small screen. */
const DIALOG_LINES = 20;
const LINE_LENGTH = 80;

/**
 * Shows a plan that is too long for a dialog in an editor too, where it can be searched and read in peace.
 * Long lines are broken; what goes on is indented. Does nothing for a plan that a dialog can show whole.
 */
export async function previewLongPlan(server: Server): Promise<void> {
  await previewLong(`Plan of ${server.name}`, describePlan(server));
}

/** As `previewLongPlan`, for any lines. @returns whether it was shown. */
export async function previewLong(title: string, all: readonly string[]): Promise<boolean> {
  const lines = all.flatMap((line) => line.match(new RegExp(`.{1,${String(LINE_LENGTH)}}`, 'gsu'))?.join('\n    ') ?? []);
  const text = lines.join('\n');
  if (text.split('\n').length <= DIALOG_LINES) return false;
  await previewText(title, text);
  return true;
}

/** Shows text in an editor that cannot be changed. The editor with the focus keeps it. */
export async function previewText(title: string, text: string): Promise<void> {
  const provider = vscode.workspace.registerTextDocumentContentProvider(SCHEME, { provideTextDocumentContent: () => text });
  try {
    const document = await vscode.workspace.openTextDocument(
      vscode.Uri.from({ scheme: SCHEME, path: `/${title}`, query: String(Date.now()) }),
    );
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus: true });
  } finally {
    provider.dispose();
  }
}
