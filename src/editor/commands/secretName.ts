import * as vscode from 'vscode';
import { normalizeName } from '../../vault/name';
import { DEFAULT_SCOPE } from '../../vault/secret';
import { scopeLabel } from '../secretRef';
import type { SecretRef } from '../secretRef';
import type { Workspace } from '../workspace';
import { problemOf } from './pick';
import { askScope, scopesOf } from './pickScope';

const OTHER_SCOPE: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon('symbol-namespace'),
  tooltip: 'Another Scope…',
};

const TITLE = 'Add Secret';

/**
 * Asks for the name of a new secret; for its scope only where there are several, or when the user wants another one.
 * @param given its scope, if that is settled. @param suggestion what the box starts with.
 * @returns `undefined` if the user gave up.
 */
export async function askSecretName(workspace: Workspace, given: string | undefined, suggestion: string): Promise<SecretRef | undefined> {
  const ask = given === undefined && [...(await scopesOf(workspace)).keys()].some((scope) => scope !== DEFAULT_SCOPE);
  let scope = ask ? await askScope(workspace, TITLE) : (given ?? DEFAULT_SCOPE);
  let text = suggestion;
  while (scope !== undefined) {
    const answer = await askName(workspace, scope, text, given === undefined && !ask);
    if (answer === undefined) return undefined;
    text = answer.text;
    if (!answer.otherScope) return { scope, name: normalizeName(text) };
    scope = await askScope(workspace, TITLE);
  }
  return undefined;
}

interface Answer {
  readonly text: string;
  readonly otherScope: boolean;
}

async function askName(workspace: Workspace, scope: string, text: string, mayChange: boolean): Promise<Answer | undefined> {
  const box = vscode.window.createInputBox();
  box.title = scope === DEFAULT_SCOPE ? TITLE : `${TITLE} to ${scopeLabel(scope)}`;
  box.prompt = 'The name of the secret, for example GITHUB_TOKEN';
  box.value = text;
  box.ignoreFocusOut = true;
  if (mayChange) box.buttons = [OTHER_SCOPE];
  const check = (): void => {
    box.validationMessage = remark(workspace, scope, box.value);
  };
  const listeners: vscode.Disposable[] = [];
  try {
    return await new Promise((resolve) => {
      listeners.push(
        box.onDidChangeValue(check),
        box.onDidTriggerButton(() => {
          resolve({ text: box.value, otherScope: true });
        }),
        box.onDidAccept(() => {
          if (problemOf(() => normalizeName(box.value)) === undefined) resolve({ text: box.value, otherScope: false });
          else if (box.value === '') resolve(undefined);
        }),
        box.onDidHide(() => {
          resolve(undefined);
        }),
      );
      check();
      box.show();
    });
  } finally {
    for (const listener of listeners) listener.dispose();
    box.dispose();
  }
}

/** What there is to say about a name while it is typed. */
function remark({ vaults }: Workspace, scope: string, text: string): string | vscode.InputBoxValidationMessage | undefined {
  if (text === '') return undefined;
  const problem = problemOf(() => normalizeName(text));
  if (problem !== undefined) return problem;
  const name = normalizeName(text);
  const { Info, Warning } = vscode.InputBoxValidationSeverity;
  if (vaults.infoOf(name, scope) !== undefined) return { message: `${name} exists: its value will be replaced.`, severity: Warning };
  return name === text ? undefined : { message: `It will be kept as ${name}.`, severity: Info };
}
