import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { version } from '../../package.json';
import type { AuditOutcome } from '../audit/entry';
import { EXPORT_FORMATS, exportText, exportTrail } from '../audit/exportTrail';
import type { ExportFormat, ExportOptions } from '../audit/exportTrail';
import { fits, readTrail } from '../audit/reader';
import type { TrailFilter, TrailLine } from '../audit/reader';
import { newestLines } from '../audit/recentEntries';
import { verifyTrail } from '../audit/verify';
import { parseDuration, parseMoment } from '../shared/duration';
import { reasonOf, SecretsError } from '../shared/errors';
import { visible } from '../shared/visible';
import { normalizeName } from '../vault/name';
import { allowOptions, numberOption } from './arguments';
import type { Arguments, OptionName } from './arguments';
import type { Headless } from './headless';
import { print } from './output';
import { stopRequested } from './signals';

const FILTERS: readonly OptionName[] = ['agent', 'server', 'secret', 'action', 'outcome', 'since'];
const SHOWN = 20;
/** How often `--follow` looks for more. */
const FOLLOW_MS = 300;

/** `audit tail`: the newest entries, and with `--follow` those that come, until it is stopped. */
export async function tailAudit(input: Arguments, { audit: { path } }: Headless): Promise<string> {
  allowOptions(input, [...FILTERS, 'limit', 'follow', 'json']);
  const { json, follow, limit } = input.options;
  const filter = filterOptions(input);
  const show = json === true ? ({ text }: TrailLine): string => `${text}\n` : lineForPeople;
  // Before the rest is read: what comes meanwhile is shown by following.
  const last = await reading(path, () => newestLines(path, 1)[0]?.entry.seq ?? 0);
  const newest = await reading(path, () => collect(path, { ...filter, limit: numberOption('limit', limit, SHOWN, 1_000_000) }));
  const text = newest.map(show).join('');
  if (follow !== true) return text === '' && json !== true ? 'No entries.\n' : text;
  if (!(await print(text))) return '';
  await followTrail(path, Math.max(last, newest.at(-1)?.entry.seq ?? 0), (lines) => {
    const fitting = lines.filter(({ entry }) => fits(entry, filter));
    return print(fitting.map(show).join(''));
  });
  return '';
}

async function collect(path: string, filter: TrailFilter): Promise<TrailLine[]> {
  const lines: TrailLine[] = [];
  for await (const line of readTrail(path, filter)) lines.push(line);
  return lines;
}

/** Shows what comes after the entry `seen`, until a signal comes or nobody reads any more. */
async function followTrail(path: string, seen: number, show: (lines: readonly TrailLine[]) => Promise<boolean>): Promise<void> {
  const unread = finished(process.stdout, { readable: false }).catch(() => undefined);
  const stopped = Promise.race([stopRequested(), unread]).then(() => true);
  for (let last = seen; !(await Promise.race([stopped, sleep(FOLLOW_MS, false)]));) {
    const from = last;
    const lines = await reading(path, () => newestLines(path, Infinity, from));
    last = lines.at(-1)?.entry.seq ?? last;
    if (!(await show(lines))) return;
  }
}

/** `audit verify`. @throws SecretsError `auditBroken` with the first problem. */
export async function verifyAudit(input: Arguments, { audit, vaults }: Headless): Promise<string> {
  allowOptions(input, ['json']);
  const report = await reading(audit.path, () => verifyTrail(audit.path, vaults.auditKeys()));
  if (input.options.json === true) await print(`${JSON.stringify(report)}\n`);
  if (report.problem !== undefined) {
    const { kind, seq, file } = report.problem;
    throw new SecretsError('auditBroken', { problem: kind, seq, file });
  }
  if (input.options.json === true) return '';
  if (report.entries === 0) return 'The audit trail has no entries.\n';
  const notes = [
    report.unkeyed > 0 ? ` ${String(report.unkeyed)} of them were written before there was a key: those could be forged.` : '',
    report.unfinished ? ' A crash has left an unfinished line at the end; the next entry takes its place.' : '',
  ];
  return `The audit trail is in order: ${String(report.entries)} entries, none missing or changed.${notes.join('')}\n`;
}

/** `audit export`: to a new file of this user's alone (0600), or to standard output. Recorded. */
export async function exportAudit(input: Arguments, { audit }: Headless): Promise<string> {
  allowOptions(input, [...FILTERS, 'format', 'output']);
  const options = { path: audit.path, format: formatOption(input.options.format), version, filter: filterOptions(input) };
  const { output } = input.options;
  const told = await reading(audit.path, async () => {
    if (output !== undefined) return `${String(await toFile(options, output))} entries are in ${output}.\n`;
    for await (const text of exportText(options)) if (!(await print(text))) break;
    return '';
  });
  audit.record({ actor: 'cli', action: 'audit.export', outcome: 'ok' });
  return told;
}

function formatOption(name: string | undefined): ExportFormat {
  const format = EXPORT_FORMATS.find((known) => known === name);
  if (format === undefined) throw new SecretsError('usage', { problem: '--format takes jsonl, csv or cef.' });
  return format;
}

function filterOptions({ options }: Arguments): TrailFilter {
  const { agent, server = [], secret = [], action, outcome, since } = options;
  const twice = server.length > 1 ? 'server' : secret.length > 1 ? 'secret' : undefined;
  if (twice !== undefined) throw new SecretsError('usage', { problem: `--${twice} can be given once here.` });
  if (outcome !== undefined && !isOutcome(outcome)) throw new SecretsError('usage', { problem: '--outcome takes ok, error or refused.' });
  return { agent, server: server[0], action, outcome, secret: secret[0] && normalizeName(secret[0]), since: sinceOption(since) };
}

function isOutcome(text: string): text is AuditOutcome {
  return (['ok', 'error', 'refused'] satisfies AuditOutcome[] as string[]).includes(text);
}

function sinceOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const now = Date.now();
  const span = parseDuration(text);
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const time = span === undefined ? parseMoment(day ? `${text}T00:00:00Z` : text, now) : now - span;
  if (time === undefined) throw new SecretsError('usage', { problem: '--since takes a span (7d, 12h) or a date (2027-01-31).' });
  return time;
}

/** What goes wrong with the files of the trail, in our words. */
async function reading<T>(path: string, read: () => Promise<T> | T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SecretsError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ELOCKED') throw new SecretsError('storeBusy', { path });
    throw new SecretsError('storeFailed', { path, reason: reasonOf(error) });
  }
}

async function toFile(options: ExportOptions, path: string): Promise<number> {
  try {
    return await exportTrail(options, path, 'refuse');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new SecretsError('outputExists', { path });
    throw error instanceof SecretsError ? error : new SecretsError('storeFailed', { path, reason: reasonOf(error) });
  }
}

/** Names come from agents and servers: a terminal must not obey them. */
function lineForPeople({ entry }: TrailLine): string {
  const { time, outcome, action, actor, agent, server, tool, method, secrets = [], versions, errorKind, durationMs, rule, scope } = entry;
  const named = secrets.map((secret) => `${secret}${versions?.[secret] === undefined ? '' : `@${String(versions[secret])}`}`);
  const cells = [
    time,
    outcome.padEnd(7),
    action.padEnd(14),
    agent ?? actor,
    [server, tool ?? method].filter(Boolean).join('/'),
    named.join(',') + (scope === undefined ? '' : ` (${scope})`),
    errorKind,
    rule,
    durationMs === undefined ? undefined : `${String(durationMs)}ms`,
  ];
  return `${visible(cells.filter(Boolean).join('  '))}\n`;
}
