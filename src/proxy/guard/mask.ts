import { inTurns } from '../../shared/steps';
import type { Steps } from '../../shared/steps';
import { visible } from '../../shared/visible';
import type { KnownSecrets } from './knownSecrets';
import { Fingerprints } from './fingerprints';
import { secretIn, textOrParts } from './search';

/**
 * Arguments for a person to read: indented JSON in which every text that holds the value of a secret is `[secret:NAME]`, and what
 * cannot be seen is written as escapes. Nested so deeply that it cannot be written, it says so.
 */
export async function maskedArguments(known: KnownSecrets, args: unknown): Promise<string> {
  const fingerprints = await printsOf(known);
  const names = await inTurns(secretTexts(fingerprints, args));
  const masked = (text: string): string => {
    const name = names.get(text);
    return name === undefined ? text : `[secret:${name}]`;
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

/** The texts that hold the value of a secret, with its name. */
function* secretTexts(fingerprints: Fingerprints, args: unknown): Steps<Map<string, string>> {
  const names = new Map<string, string>();
  const rest: unknown[] = [args];
  while (rest.length > 0) {
    const text = textOrParts(rest.pop(), rest);
    if (text === undefined || names.has(text)) continue;
    const found = yield* secretIn(fingerprints, text);
    if (found !== undefined) names.set(text, found.name);
    yield;
  }
  return names;
}

/** If the values cannot be opened, they cannot be told from other text. */
async function printsOf(known: KnownSecrets): Promise<Fingerprints> {
  try {
    return await known.current();
  } catch {
    return new Fingerprints([]);
  }
}
