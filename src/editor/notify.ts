import * as vscode from 'vscode';
import { plain } from './plain';

/** How grave a notification is. */
export type Severity = 'info' | 'warning' | 'error';

/**
 * Shows a notification: the only way to one (the linter sees to it), since what it quotes must not become a link.
 * @returns the title of the action that was chosen; `undefined`: none.
 */
export async function notify(severity: Severity, message: string, ...actions: string[]): Promise<string | undefined> {
  const { showInformationMessage, showWarningMessage, showErrorMessage } = vscode.window;
  const show = { info: showInformationMessage, warning: showWarningMessage, error: showErrorMessage }[severity];
  return show(plain(message), ...actions);
}

/** Asks in a dialog over everything, which shows all text as it is. Enter gives the first answer. @returns `undefined`: it was left. */
export async function askInDialog<T extends string>(question: string, detail: string, ...answers: readonly T[]): Promise<T | undefined> {
  return vscode.window.showWarningMessage(question, { modal: true, detail }, ...answers);
}
