import { parseDuration, parseMoment } from '../shared/duration';
import { SecretsError } from '../shared/errors';
import type { Schedule } from '../vault/edits';
import type { Arguments } from './arguments';

/** The dates of `--expires` and `--rotate-every`; `never` takes one away. @param now ms since the epoch. @throws SecretsError `usage`. */
export function scheduleOptions({ options }: Arguments, now: number): Schedule {
  const expiresAt = valueOf(
    'expires',
    options.expires,
    (text) => parseMoment(text, now),
    'a span (90d, 12h), a date (2027-01-31) or "never"',
  );
  const rotateEveryMs = valueOf('rotate-every', options['rotate-every'], parseDuration, 'a span (30d, 2w) or "never"');
  if (typeof expiresAt === 'number' && expiresAt <= now) throw new SecretsError('usage', { problem: '--expires is in the past.' });
  return { ...(expiresAt === undefined ? {} : { expiresAt }), ...(rotateEveryMs === undefined ? {} : { rotateEveryMs }) };
}

function valueOf(
  name: string,
  text: string | undefined,
  parse: (text: string) => number | undefined,
  forms: string,
): number | null | undefined {
  if (text === undefined) return undefined;
  if (text === 'never') return null;
  const value = parse(text);
  if (value === undefined) throw new SecretsError('usage', { problem: `--${name} takes ${forms}.` });
  return value;
}
