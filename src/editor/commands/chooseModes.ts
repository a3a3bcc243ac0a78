import * as vscode from 'vscode';
import type { BindingSpec } from '../../bindings/binding';
import { resolveBinding } from '../../bindings/binding';
import type { BindingSpecs } from '../../bindings/edit';
import { describeBinding } from '../../bindings/plan';
import type { Mode, Server } from '../../bindings/server';
import { defaultMode, defaultTarget, modesOf, VALUE } from '../../bindings/server';
import { plain } from '../plain';
import { count, dotted } from '../views/format';
import { lostAs, sentAs } from './sentAs';

const KEEP = '$(check) Keep these modes';

interface SecretItem extends vscode.QuickPickItem {
  readonly secret?: string;
}

/**
 * Shows how each secret is sent, and lets the user change that one by one until they keep it.
 * @returns how they are sent, or `undefined` if the user gave up.
 */
export async function chooseModes(server: string, type: Server['type'], specs: BindingSpecs): Promise<BindingSpecs | undefined> {
  const names = Object.keys(specs);
  if (names.length === 0) return specs;
  let current = specs;
  for (;;) {
    const items: SecretItem[] = [
      { label: KEEP, description: count(names.length, 'secret') },
      ...Object.entries(current).map(([secret, spec]) => ({ label: secret, description: inWords(secret, spec, type), secret })),
    ];
    const title = `How ${server} Receives Its Secrets`;
    const item = await vscode.window.showQuickPick(items, {
      title,
      placeHolder: 'Keep these modes, or choose a secret to change how it is sent',
      ignoreFocusOut: true,
    });
    if (item === undefined) return undefined;
    if (item.secret === undefined) return current;
    const spec = await chooseMode(item.secret, type, current[item.secret] ?? { as: defaultMode(type) });
    if (spec !== undefined) current = { ...current, [item.secret]: spec };
  }
}

function inWords(secret: string, spec: BindingSpec, type: Server['type']): string {
  const binding = resolveBinding(secret, spec, type);
  return plain('problem' in binding ? binding.problem : describeBinding(binding).slice(secret.length + 1));
}

interface ModeItem extends vscode.QuickPickItem {
  readonly mode: Mode;
  readonly custom: boolean;
}

async function chooseMode(secret: string, type: Server['type'], current: BindingSpec): Promise<BindingSpec | undefined> {
  const modes = modesOf(type);
  const described = (mode: Mode, text: string): string => dotted(text, lostAs(mode, current));
  const items: ModeItem[] = [
    ...modes.map((mode) => ({
      label: mode,
      description: described(mode, inWords(secret, sentAs(mode, current), type)),
      mode,
      custom: false,
    })),
    ...modes
      .filter((mode) => mode !== 'bearer')
      .map((mode) => ({
        label: `$(edit) Custom ${mode}…`,
        description: described(mode, `another ${NOUNS[mode]} or a template`),
        mode,
        custom: true,
      })),
  ];
  const item = await vscode.window.showQuickPick(items, {
    title: `How ${secret} Is Sent`,
    placeHolder: 'Choose a mode',
    ignoreFocusOut: true,
  });
  if (item === undefined) return undefined;
  const { mode, custom } = item;
  return custom ? askCustom(secret, mode, type, current) : sentAs(mode, current);
}

const NOUNS: Record<Mode, string> = { header: 'header', bearer: 'header', body: 'body key', env: 'variable' };

/** Both questions start with what there is, if it is of this mode. */
async function askCustom(secret: string, mode: Mode, type: Server['type'], current: BindingSpec): Promise<BindingSpec | undefined> {
  const title = `How ${secret} Is Sent`;
  const usual = defaultTarget(secret, mode);
  const own = current.as === mode ? current : undefined;
  const name = await vscode.window.showInputBox({
    title,
    prompt: `The name of the ${NOUNS[mode]}`,
    value: own?.name ?? usual,
    ignoreFocusOut: true,
    validateInput: (text) => problem(secret, { as: mode, name: text }, type),
  });
  if (name === undefined) return undefined;
  const template = await vscode.window.showInputBox({
    title,
    prompt: `What is sent; ${VALUE} stands for the value, for example "Token ${VALUE}"`,
    value: own?.template ?? VALUE,
    valueSelection: [0, 0],
    ignoreFocusOut: true,
    validateInput: (text) =>
      text.includes(VALUE) ? problem(secret, { as: mode, name, template: text }, type) : `The template must contain ${VALUE}.`,
  });
  if (template === undefined) return undefined;
  return { ...sentAs(mode, current), ...(name === usual ? {} : { name }), ...(template === VALUE ? {} : { template }) };
}

function problem(secret: string, spec: BindingSpec, type: Server['type']): string | undefined {
  if (spec.name === '') return 'Give a name.';
  const binding = resolveBinding(secret, spec, type);
  return 'problem' in binding ? plain(binding.problem) : undefined;
}
