import type { Finding, Row } from './summary';

/** What a run has to say. */
export interface Report {
  /** The machine and the amount of work, one line. */
  readonly setting: string;
  readonly rows: readonly Row[];
  readonly findings: readonly Finding[];
  /** What could not be measured, and why. */
  readonly notes: readonly string[];
}

/** The report as two plain tables. */
export function asText(report: Report): string {
  const rows = report.rows.map((row) => [
    row.title,
    row.p50.toFixed(3),
    row.p95.toFixed(3),
    row.p99.toFixed(3),
    row.callsPerSecond.toFixed(0),
    row.peakMegabytes?.toFixed(1) ?? '-',
    String(row.errors),
  ]);
  const findings = report.findings.map(({ what, value, spread, aim }) => [
    what,
    digits(value),
    spread === undefined ? '' : `${digits(spread.low)} … ${digits(spread.high)}`,
    aim === undefined ? '' : `${aim.relation} ${String(aim.bound)}`,
    aim === undefined ? '' : aim.met ? 'met' : 'missed',
  ]);
  return [
    report.setting,
    '',
    table(['contestant', 'p50 ms', 'p95 ms', 'p99 ms', 'calls/s @32', 'peak RSS MB', 'errors'], rows),
    '',
    table(['ratio (median of rounds) or size', 'value', 'middle half', 'aim', 'result'], findings),
    ...report.notes.map((note) => `\nnote: ${note}`),
  ].join('\n');
}

/** The report as one JSON object on one line. */
export function asJson(report: Report): string {
  return JSON.stringify(report);
}

function digits(value: number): string {
  return value.toFixed(value >= 10 ? 0 : 2);
}

/** Left-aligned first column, right-aligned others. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [format(head), rule, ...rows.map(format)].join('\n');
}
