import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import { SecretsError } from '../../shared/errors';
import { MAX_VALUE_BYTES } from '../../vault/secret';

/** Shorter values occur in ordinary text by chance, and cannot be told from it. */
const SHORT = 8;

const FROM_CLIPBOARD: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon('clippy'),
  tooltip: 'From Clipboard (all lines; the clipboard is emptied when the value is kept)',
};
const FROM_FILE: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('file'), tooltip: 'From File…' };

/** A value that was given. */
export interface GivenValue {
  readonly value: Buffer;
  /** To be called when the value is kept: it is removed from where it was taken. */
  kept(): Promise<void>;
}

/**
 * Asks for a value without showing it. It can be typed or pasted; from the clipboard or a file it comes with all of
 * its lines, which an input box cannot show.
 * @returns the value, or `undefined` if the user gave up. @throws SecretsError `valueTooLarge` for a file, or what reading it throws.
 */
export async function askValue(name: string, title: string): Promise<GivenValue | undefined> {
  const box = vscode.window.createInputBox();
  box.title = title;
  box.prompt = `The value of ${name}. It is not shown, and cannot be shown later.`;
  box.placeholder = 'Type or paste the value, or use the buttons above';
  box.password = true;
  box.ignoreFocusOut = true;
  box.buttons = [FROM_CLIPBOARD, FROM_FILE];
  const listeners: vscode.Disposable[] = [];
  try {
    return await new Promise<GivenValue | undefined>((resolve, reject) => {
      let asking = false;
      const take = (value: Promise<GivenValue | string | undefined>): void => {
        asking = true;
        value.then((result) => {
          asking = false;
          if (result === undefined) box.show();
          else if (typeof result === 'string') {
            box.show();
            box.validationMessage = result;
          } else resolve(result);
        }, reject);
      };
      listeners.push(
        box.onDidChangeValue((value) => {
          box.validationMessage = warning(value);
          void pastedLines(value).then((lines) => {
            if (lines !== undefined && box.value === value) box.validationMessage = LINES_KEPT;
          });
        }),
        box.onDidTriggerButton((button) => {
          take(button === FROM_CLIPBOARD ? fromClipboard() : fromFile(name));
        }),
        box.onDidAccept(() => {
          if (box.value === '') box.validationMessage = 'Give a value, or press Escape to leave.';
          else take(pastedLines(box.value).then((lines) => given(Buffer.from(lines ?? box.value))));
        }),
        box.onDidHide(() => {
          if (!asking) resolve(undefined);
        }),
      );
      box.show();
    });
  } finally {
    for (const listener of listeners) listener.dispose();
    box.dispose();
  }
}

const LINES_KEPT = { message: 'Several lines were pasted. They are kept as they are.', severity: vscode.InputBoxValidationSeverity.Info };

/** The lines that were pasted as this value, if so: an input box joins them with spaces, which would spoil a private key. */
async function pastedLines(value: string): Promise<string | undefined> {
  // Most credentials have no spaces; the clipboard is none of our business then.
  if (!/\s/.test(value)) return undefined;
  const text = withoutLastLineBreak(await vscode.env.clipboard.readText().then(undefined, () => ''));
  const bare = (lines: string): string => lines.replace(/\s+/g, '');
  return /[\r\n]/.test(text) && bare(text) === bare(value) ? text : undefined;
}

function warning(value: string): vscode.InputBoxValidationMessage | undefined {
  const message =
    value !== value.trim()
      ? 'The value starts or ends with a space. Press Enter to keep it so.'
      : value !== '' && value.length < SHORT
        ? `Values shorter than ${String(SHORT)} characters cannot be taken out of replies reliably.`
        : undefined;
  return message === undefined ? undefined : { message, severity: vscode.InputBoxValidationSeverity.Warning };
}

function given(value: Buffer, kept: () => Promise<void> = () => Promise.resolve()): GivenValue {
  return { value, kept };
}

async function fromClipboard(): Promise<GivenValue | string> {
  const { clipboard } = vscode.env;
  const text = await clipboard.readText();
  if (text === '') return 'The clipboard holds no text.';
  return given(Buffer.from(withoutLastLineBreak(text)), async () => {
    // Whatever was put there since then is not ours to remove.
    if ((await clipboard.readText()) === text) await clipboard.writeText('');
  });
}

async function fromFile(name: string): Promise<GivenValue | undefined> {
  const [uri] = (await vscode.window.showOpenDialog({ title: `The value of ${name}`, openLabel: 'Use Content' })) ?? [];
  if (uri === undefined) return undefined;
  const { size } = await vscode.workspace.fs.stat(uri);
  if (size > MAX_VALUE_BYTES) throw new SecretsError('valueTooLarge', { name, bytes: size, limit: MAX_VALUE_BYTES });
  const bytes = uri.scheme === 'file' ? await readFile(uri.fsPath) : Buffer.from(await vscode.workspace.fs.readFile(uri));
  const end = withoutLastLineBreak(bytes.toString('latin1')).length;
  const value = Buffer.from(bytes.subarray(0, end));
  bytes.fill(0);
  return given(value);
}

/** The line break with which editors and `echo` end a file is no part of the value. The command line does the same. */
function withoutLastLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}
