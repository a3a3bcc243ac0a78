import { isUtf8 } from 'node:buffer';
import { SecretsError } from '../shared/errors';
import type { SecretReader } from '../vault/secret';
import type { Binding, Server } from './server';
import { VALUE } from './server';

/**
 * What a binding sends for a value: the template with the value in it.
 * @returns text; for headers its UTF-8 bytes as latin1 characters, the form in which Node puts them on the wire.
 * @throws SecretsError `secretUnsendable`: a header with control characters (CR and LF would add headers,
 * RFC 9110 section 5.5), an environment variable with a NUL, text that is not UTF-8.
 */
export function render(binding: Binding, value: Buffer, server: string): string {
  const { secret, mode } = binding;
  const refuse = (why: string): SecretsError => new SecretsError('secretUnsendable', { name: secret, server, mode, why });
  if (!isUtf8(value)) throw refuse('it is not UTF-8 text');
  const text = value.toString();
  const whole = binding.template.replaceAll(VALUE, () => text);
  if (mode === 'env' && text.includes('\0')) throw refuse('it contains a NUL character');
  // Nearly every value there is.
  if (/^[\x20-\x7e]*$/.test(whole)) return whole;
  if (mode === 'header' || mode === 'bearer') {
    if (/[\r\n]/.test(text)) throw refuse('it contains a line break, which a header cannot');

    if (/[\0-\x08\x0a-\x1f\x7f]/.test(text)) throw refuse('it contains a control character, which a header cannot');
  }
  return mode === 'header' || mode === 'bearer' ? Buffer.from(whole).toString('latin1') : whole;
}

/**
 * Checks that the values that exist now can be sent in the way in which a server would get them. For the moment
 * of binding; a call checks again. @throws SecretsError `secretUnsendable`, and as `SecretReader.open`.
 */
export async function checkSendable(secrets: SecretReader, server: Server): Promise<void> {
  for (const binding of server.bindings) {
    if (secrets.infoOf(binding.secret, server.scope) === undefined) continue;
    const opened = await secrets.open([binding.secret], server.scope);
    try {
      for (const { value } of opened) render(binding, value, server.name);
    } finally {
      for (const { value } of opened) value.fill(0);
    }
  }
}
