import { SecretsError } from '../shared/errors';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { readPassphrase } from './input';

/**
 * `key protect`: seals the key file under a passphrase, or under another one. Without a terminal, a first passphrase
 * comes from the file in `MCP_SECRETS_PASSPHRASE_FILE`, one to replace it from that in `MCP_SECRETS_NEW_PASSPHRASE_FILE`.
 */
export async function protectKey(input: Arguments, { keys, audit }: Headless): Promise<string> {
  allowOptions(input, []);
  const { file } = keys;
  const replaces = file.isProtected();
  // The present passphrase first, as people expect.
  const count = await file.read((all) => all.length);
  if (count === 0) return 'There is no key yet. Set a secret first.\n';
  const variable = replaces ? 'MCP_SECRETS_NEW_PASSPHRASE_FILE' : 'MCP_SECRETS_PASSPHRASE_FILE';
  const source = process.env[variable];
  if ((source === undefined || source === '') && !process.stdin.isTTY)
    throw new SecretsError('usage', {
      problem: `There is no terminal to ask for the ${replaces ? 'new ' : ''}passphrase: name a file that holds it in ${variable}.`,
    });
  const passphrase = await readPassphrase(source === '' ? undefined : source, 'New passphrase', true, process);
  try {
    await file.protect(passphrase);
  } finally {
    passphrase.fill(0);
  }
  audit.record({ actor: 'cli', action: 'key.protect', outcome: 'ok' });
  return `${file.path} is protected by ${replaces ? 'the new' : 'a'} passphrase. Without it the secrets are lost.\n`;
}

/** `key unprotect`: writes the key file without a passphrase. */
export async function unprotectKey(input: Arguments, { keys, audit }: Headless): Promise<string> {
  allowOptions(input, []);
  const { file } = keys;
  if (!file.isProtected()) return `${file.path} has no passphrase.\n`;
  await file.protect(undefined);
  audit.record({ actor: 'cli', action: 'key.unprotect', outcome: 'ok' });
  return `${file.path} has no passphrase any more. Who can read this file can open the secrets.\n`;
}
