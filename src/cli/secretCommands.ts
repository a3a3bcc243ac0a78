import { SecretsError } from '../shared/errors';
import { normalizeName } from '../vault/name';
import { DEFAULT_SCOPE } from '../vault/vault';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { readValue } from './input';
import { table } from './table';

/** `secret set`. */
export async function setSecret(input: Arguments, name: string, { vault }: Headless): Promise<string> {
  allowOptions(input, ['scope']);
  // Not quoted: what stands behind the sign is most likely the value.
  if (name.includes('='))
    throw new SecretsError('usage', { problem: 'The name of a secret has no "=". The value comes from standard input or a prompt.' });
  const normalized = normalizeName(name);
  const value = await readValue(normalized, process.stdin, process.stderr);
  const info = await vault.set(normalized, value, 'cli', input.options.scope ?? DEFAULT_SCOPE);
  return `${info.name} is set (version ${String(info.version)}).\n`;
}

/** `secret list`. */
export function listSecrets(input: Arguments, { vault }: Headless): string {
  allowOptions(input, ['json']);
  const secrets = vault.list().map((info) => ({ ...info, createdAt: isoTime(info.createdAt), updatedAt: isoTime(info.updatedAt) }));
  if (input.options.json === true) return `${JSON.stringify(secrets)}\n`;
  if (secrets.length === 0) return 'No secrets. Add one with "mcp-secrets secret set NAME".\n';
  return table(
    ['NAME', 'SCOPE', 'VERSION', 'CREATED', 'UPDATED'],
    secrets.map((s) => [s.name, s.scope, String(s.version), s.createdAt, s.updatedAt]),
  );
}

/** `secret get`: the one way to see a value, recorded. */
export async function getSecret(input: Arguments, name: string, { vault, audit }: Headless): Promise<Buffer> {
  allowOptions(input, ['reveal', 'scope']);
  const normalized = normalizeName(name);
  if (input.options.reveal !== true) throw new SecretsError('revealRefused', { name: normalized });
  const [secret] = await vault.open([normalized], input.options.scope ?? DEFAULT_SCOPE);
  if (secret === undefined) throw new SecretsError('secretMissing', { names: [normalized] });
  audit.record({ actor: 'cli', action: 'secret.reveal', secrets: [normalized], outcome: 'ok' });
  return secret.value;
}

/** `secret delete`. */
export async function deleteSecret(input: Arguments, name: string, { vault }: Headless): Promise<string> {
  allowOptions(input, ['scope']);
  await vault.delete(name, 'cli', input.options.scope ?? DEFAULT_SCOPE);
  return `${normalizeName(name)} is deleted.\n`;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
