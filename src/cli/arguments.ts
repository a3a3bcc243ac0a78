import { parseArgs } from 'node:util';
import { defaultMode } from '../bindings/server';
import type { Mode, Server } from '../bindings/server';
import type { BindingSpecs } from '../bindings/edit';
import { SecretsError } from '../shared/errors';
import { normalizeName } from '../vault/name';

const OPTIONS = {
  workspace: { type: 'string' },
  scope: { type: 'string' },
  json: { type: 'boolean' },
  reveal: { type: 'boolean' },
  url: { type: 'string' },
  secret: { type: 'string', multiple: true },
  port: { type: 'string' },
  search: { type: 'boolean' },
  timeout: { type: 'string' },
  expired: { type: 'string' },
  'new-tools': { type: 'string' },
  'outbound-guard': { type: 'string' },
  syslog: { type: 'string' },
  otlp: { type: 'string' },
  'otlp-headers-file': { type: 'string' },
  args: { type: 'string' },
  expires: { type: 'string' },
  'rotate-every': { type: 'string' },
  to: { type: 'string' },
  number: { type: 'string' },
  yes: { type: 'boolean' },
  recipient: { type: 'string', multiple: true },
  identity: { type: 'string' },
  'passphrase-file': { type: 'string' },
  'with-user': { type: 'boolean' },
  force: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  only: { type: 'string', multiple: true },
  'include-older': { type: 'boolean' },
  servers: { type: 'boolean' },
  agent: { type: 'string' },
  server: { type: 'string', multiple: true },
  token: { type: 'string' },
  all: { type: 'boolean' },
  action: { type: 'string' },
  outcome: { type: 'string' },
  since: { type: 'string' },
  limit: { type: 'string' },
  follow: { type: 'boolean' },
  format: { type: 'string' },
  output: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

/** The name of an option. */
export type OptionName = keyof typeof OPTIONS;

/** A command line, taken apart. */
export interface Arguments {
  readonly words: readonly string[];
  readonly options: ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>['values'];
  /** What stands after `--`. */
  readonly command: readonly string[] | undefined;
}

/** @throws SecretsError `usage` for an option that there is not. */
export function parseArguments(argv: readonly string[]): Arguments {
  const border = argv.indexOf('--');
  const own = border < 0 ? argv : argv.slice(0, border);
  try {
    const { values, positionals } = parseArgs({ args: [...own], options: OPTIONS, allowPositionals: true, strict: true });
    return { words: positionals, options: values, command: border < 0 ? undefined : argv.slice(border + 1) };
  } catch (error) {
    // The texts of parseArgs name the option, which is the user's own word, in their first sentence.
    const problem = error instanceof Error ? (error.message.split('. ', 1)[0] ?? '') : 'The options cannot be read';
    throw new SecretsError('usage', { problem: `${problem}.` });
  }
}

/** @throws SecretsError `usage` if an option is given that this command does not have. */
export function allowOptions({ options }: Arguments, allowed: readonly OptionName[]): void {
  for (const name of Object.keys(options)) {
    if (name !== 'workspace' && !allowed.includes(name as OptionName))
      throw new SecretsError('usage', { problem: `--${name} makes no sense here.` });
  }
}

/** A whole number in an option, from `min` to `max`. @throws SecretsError `usage`. */
export function numberOption(name: string, text: string | undefined, fallback: number, max: number, min = 0): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const range = min > 0 ? `from ${String(min)} to` : 'up to';
  throw new SecretsError('usage', { problem: `--${name} takes a whole number ${range} ${String(max)}.` });
}

const MODES: readonly string[] = ['header', 'bearer', 'body', 'env'] satisfies Mode[];

/** The bindings of `--secret NAME[=MODE]`. @throws SecretsError `usage`, `nameInvalid`. */
export function bindingOptions(secrets: readonly string[], type: Server['type']): BindingSpecs {
  const specs: Record<string, { as: Mode }> = {};
  for (const text of secrets) {
    const equals = text.indexOf('=');
    const mode = equals < 0 ? defaultMode(type) : text.slice(equals + 1);
    if (!MODES.includes(mode)) throw new SecretsError('usage', { problem: `"${mode}" is not a mode. Use header, bearer, body or env.` });
    specs[normalizeName(equals < 0 ? text : text.slice(0, equals))] = { as: mode as Mode };
  }
  return specs;
}
