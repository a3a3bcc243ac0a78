import * as vscode from 'vscode';
import { formatDuration, parseDuration, parseMoment } from '../../shared/duration';
import { labelOf } from '../secretRef';
import { expiryWords, rotationWords } from '../secretState';
import { span } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { infoOf, pickSecret } from './pickSecret';

/** The command about the dates of a secret. */
export const scheduleCommands = {
  'mcpSecrets.setExpiry': { needs: 'vault', run: setExpiry },
} satisfies Record<string, WorkspaceCommand>;

const DAY_MS = 86_400_000;
const SPANS = [30 * DAY_MS, 90 * DAY_MS, 365 * DAY_MS];

/** An answer: a number of ms, `never`, `other` to be asked for, or `keep` what there is. */
type Choice = number | 'never' | 'other' | 'keep';

interface ChoiceItem extends vscode.QuickPickItem {
  readonly choice: Choice;
}

/** Asks when the current value expires, and how often the secret should get a new one. */
async function setExpiry(workspace: Workspace, argument: unknown): Promise<void> {
  const secret = await pickSecret(workspace, argument, 'Set Expiry');
  if (secret === undefined) return;
  const before = infoOf(workspace, secret);
  const title = `Expiry of ${labelOf(secret)}`;
  const now = Date.now();

  const end = await choose(title, 'When does the current value stop being valid?', expiryWords(before, now), (ms) => `In ${span(ms)}`, {
    label: 'On a date…',
    never: 'It does not expire',
  });
  if (end === undefined) return;
  const expiresAt = end === 'other' ? await askMoment(title) : typeof end === 'number' ? now + end : end;
  if (expiresAt === undefined) return;

  const every = await choose(title, 'How often should it get a new value?', rotationWords(before), (ms) => `Every ${span(ms)}`, {
    label: 'Another span…',
    never: 'Whenever somebody likes',
  });
  if (every === undefined) return;
  const rotateEveryMs = every === 'other' ? await askSpan(title, before.rotateEveryMs) : every;
  if (rotateEveryMs === undefined) return;

  const { scope, name } = secret;
  const schedule = { ...changed('expiresAt', expiresAt), ...changed('rotateEveryMs', rotateEveryMs) };
  if (Object.keys(schedule).length === 0) return;
  const info = await workspace.vaults.of(scope).schedule(name, 'user', scope, schedule);
  workspace.messages.done(`${labelOf(secret)} ${expiryWords(info, now) ?? 'does not expire'}`);
}

/** @param current what holds now, in words, if anything does. */
async function choose(
  title: string,
  placeHolder: string,
  current: string | undefined,
  words: (ms: number) => string,
  { label, never }: { label: string; never: string },
): Promise<Choice | undefined> {
  const keep: ChoiceItem[] = current === undefined ? [] : [{ label: '$(check) Keep', description: current, choice: 'keep' }];
  const items: ChoiceItem[] = [
    ...keep,
    ...SPANS.map((ms) => ({ label: words(ms), choice: ms })),
    { label, choice: 'other' },
    { label: 'Never', description: current === undefined ? `${never} (as now)` : never, choice: 'never' },
  ];
  return (await vscode.window.showQuickPick(items, { title, placeHolder, ignoreFocusOut: true }))?.choice;
}

async function askMoment(title: string): Promise<number | undefined> {
  const text = await vscode.window.showInputBox({
    title,
    prompt: 'The last day on which it is valid, as 2027-01-31; or a span from now: 12h, 45d, 6w, 2y',
    ignoreFocusOut: true,
    validateInput: (typed) => {
      const moment = parseMoment(typed, Date.now());
      if (typed === '') return undefined;
      if (moment === undefined) return 'Give a day as 2027-01-31, or a span as 45d.';
      if (moment <= Date.now()) return 'This is in the past.';
      return { message: `It expires on ${new Date(moment).toLocaleString()}.`, severity: vscode.InputBoxValidationSeverity.Info };
    },
  });
  return text === undefined ? undefined : parseMoment(text, Date.now());
}

async function askSpan(title: string, current: number | undefined): Promise<number | undefined> {
  const text = await vscode.window.showInputBox({
    title,
    prompt: 'How often it should get a new value: 12h, 45d, 6w, 2y',
    value: current === undefined ? '' : formatDuration(current),
    ignoreFocusOut: true,
    validateInput: (typed) => (typed === '' || parseDuration(typed) !== undefined ? undefined : 'Give a span as 45d.'),
  });
  return text === undefined ? undefined : parseDuration(text);
}

/** The field of a schedule; none if it is to stay as it is. */
function changed<K extends string>(field: K, choice: number | 'never' | 'keep'): Partial<Record<K, number | null>> {
  if (choice === 'keep') return {};
  return { [field]: choice === 'never' ? null : choice } as Record<K, number | null>;
}
