import { visible } from '../../shared/visible';
import type { KnownSecrets } from './knownSecrets';
import { Fingerprints } from './fingerprints';
import { secretInText } from './search';

/**
 * Arguments for a person to read: indented JSON in which every text that holds the value of a secret is `[secret:NAME]`, and what
 * cannot be seen is written as escapes. Nested so deeply that it cannot be written, it says so.
 */
export async function maskedArguments(known: KnownSecrets, args: unknown): Promise<string> {
  const fingerprints = await printsOf(known);
  const masked = (text: string): string => {
    const found = secretInText(fingerprints, text);
    return found === undefined ? text : `[secret:${found.name}]`;
  };
  try {
    const text = JSON.stringify(
      args,
      (_, value: unknown) => {
        if (typeof value === 'string') return masked(value);
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
        return Object.fromEntries(Object.entries(value).map(([key, member]) => [masked(key), member]));
      },
      2,
    );
    return text.split('\n').map(visible).join('\n');
  } catch {
    return '(nested too deeply to be shown)';
  }
}

/** If the values cannot be opened, they cannot be told from other text. */
async function printsOf(known: KnownSecrets): Promise<Fingerprints> {
  try {
    return await known.current();
  } catch {
    return new Fingerprints([]);
  }
}
