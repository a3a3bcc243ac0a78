import { visible } from '../shared/visible';
import type { AuditEntry } from './entry';

/** An entry, and its number where it has one. */
type Exported = AuditEntry & { readonly seq?: number };

const COLUMNS = [
  'seq',
  'time',
  'actor',
  'action',
  'agent',
  'server',
  'tool',
  'method',
  'requestId',
  'scope',
  'secrets',
  'versions',
  'outcome',
  'durationMs',
  'errorKind',
  'count',
  'rule',
  'token',
  'servers',
] as const satisfies readonly (keyof Exported)[];

/** The first line of a CSV export, with its line break. */
export const CSV_HEADER = `${COLUMNS.join(',')}\r\n`;

/**
 * An entry as a line of CSV (RFC 4180), with its line break. Lists are joined with spaces, versions are `NAME:number`.
 * Characters that cannot be seen are written as escapes, and no cell can be taken for a formula.
 */
export function toCsv(entry: Exported): string {
  return `${COLUMNS.map((column) => csvCell(textOf(entry[column]))).join(',')}\r\n`;
}

/** From 0 to 10. */
const SEVERITY = { ok: 3, error: 5, refused: 7 } as const;
const ALERT_SEVERITY = 8;

/** An entry as a line of ArcSight's Common Event Format, version 0, with its line break. @param version of this product. */
export function toCef(entry: Exported, version: string): string {
  const { action, outcome } = entry;
  const severity = action === 'alert' ? ALERT_SEVERITY : SEVERITY[outcome];
  const name = entry.tool ?? entry.method ?? entry.rule ?? action;
  const header = ['CEF:0', 'mcp-secrets', 'MCP Secrets', version, action, name === '' ? action : name, String(severity)];
  const extension: readonly (readonly [string, string | number | undefined])[] = [
    ['rt', Date.parse(entry.time)],
    ['externalId', entry.seq],
    ['suser', entry.agent],
    ['suid', entry.actor],
    ['destinationServiceName', entry.server],
    ['requestMethod', entry.method],
    ['outcome', outcome],
    ['reason', entry.errorKind],
    ['cnt', entry.count],
    ['deviceExternalId', entry.token],
    ['msg', entry.servers === undefined ? undefined : `servers: ${entry.servers.join(' ')}`],
    ...labelled('cs', ['tool', 'secrets', 'scope', 'requestId', 'rule', 'versions'], entry),
    ...labelled('cn', ['durationMs'], entry),
  ];
  const members = extension.flatMap(([key, value]) => (value === undefined || value === '' ? [] : [`${key}=${cefValue(String(value))}`]));
  return `${header.map(cefHeader).join('|')}|${members.join(' ')}\n`;
}

function labelled(prefix: 'cs' | 'cn', columns: readonly (keyof Exported)[], entry: Exported): [string, string][] {
  return columns.flatMap((column, index): [string, string][] => {
    const value = textOf(entry[column]);
    const key = `${prefix}${String(index + 1)}`;
    return value === ''
      ? []
      : [
          [`${key}Label`, column],
          [key, value],
        ];
  });
}

function textOf(value: Exported[keyof Exported]): string {
  if (value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.join(' ');
  return Object.entries(value)
    .map(([name, version]) => `${name}:${String(version)}`)
    .join(' ');
}

function csvCell(text: string): string {
  const seen = visible(text);
  // A program for tables would run such a cell.
  const safe = /^[=+\-@\t\r]/.test(seen) ? `'${seen}` : seen;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function cefHeader(text: string): string {
  return visible(text).replace(/[\\|]/g, '\\$&');
}

function cefValue(text: string): string {
  return visible(text).replace(/[\\=]/g, '\\$&');
}
