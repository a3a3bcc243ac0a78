import type { BundleSize } from './bundles';
import { ours, titles } from './contestants';
import type { ContestantName } from './contestants';
import type { Measured } from './measure';
import { median, percentile, ratioByRound } from './stats';
import type { Ratio } from './stats';

/** One contestant's line of the first table. Times are in milliseconds, memory in megabytes (1 000 000 bytes). */
export interface Row {
  readonly name: ContestantName;
  readonly title: string;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** The median over the rounds. */
  readonly callsPerSecond: number;
  readonly peakMegabytes: number | undefined;
  /** Always 0: the bench stops at the first block with a wrong or missing answer. */
  readonly errors: 0;
}

/** Something measured beside what was aimed for, if anything was. */
export interface Finding {
  readonly what: string;
  readonly value: number;
  /** The middle half of the rounds, where there are rounds. */
  readonly spread?: Pick<Ratio, 'low' | 'high'>;
  readonly aim?: { readonly relation: '<=' | '>=' | '<'; readonly bound: number; readonly met: boolean };
}

/** What a run found that is not in the rounds. */
export interface Extras {
  readonly peakMegabytes: ReadonlyMap<ContestantName, number>;
  readonly readyMilliseconds: ReadonlyMap<ContestantName, number>;
  readonly bareMilliseconds: ReadonlyMap<ContestantName, number>;
  readonly bundles: readonly BundleSize[];
  readonly activationMilliseconds: number | undefined;
}

type Results = ReadonlyMap<ContestantName, Measured>;
type Series = (measured: Measured) => readonly number[];

const p50ByRound: Series = (measured) => measured.latencies.map((latencies) => percentile(latencies, 0.5));
const callsByRound: Series = (measured) => measured.callsPerSecond;

/** Of all rounds together: one round has too few calls for it. `NaN` if it was not measured. */
function p99Of(results: Results, name: ContestantName): number {
  return percentile(results.get(name)?.latencies.flat() ?? [], 0.99);
}

/** The middle of the very first calls. `NaN` if it was not measured. */
function coldOf(results: Results, name: ContestantName): number {
  return percentile(results.get(name)?.cold ?? [], 0.5);
}

/** The first table: percentiles are those of all rounds' calls together. */
export function rowsOf(results: Results, extras: Extras): Row[] {
  return [...results].map(([name, measured]) => {
    const latencies = measured.latencies.flat();
    return {
      name,
      title: titles[name],
      p50: percentile(latencies, 0.5),
      p95: percentile(latencies, 0.95),
      p99: percentile(latencies, 0.99),
      callsPerSecond: median(measured.callsPerSecond),
      peakMegabytes: extras.peakMegabytes.get(name),
      errors: 0,
    };
  });
}

/** The second table: ratios and sizes with their aims, only those for which this run has both sides. */
export function findingsOf(results: Results, extras: Extras): Finding[] {
  const findings: Finding[] = [];
  const ratio = (what: string, series: Series, above: ContestantName, below: ContestantName | undefined, aim?: Aim) => {
    const upper = results.get(above);
    const lower = below === undefined ? undefined : results.get(below);
    if (upper !== undefined && lower !== undefined) {
      const { value, low, high } = ratioByRound(series(upper), series(lower));
      findings.push({ what, value, spread: { low, high }, ...judged(value, aim) });
    }
  };
  const value = (what: string, measured: number | undefined, aim?: Aim) => {
    if (measured !== undefined && !Number.isNaN(measured)) {
      findings.push({ what, value: measured, ...judged(measured, aim) });
    }
  };

  const quickest = best(results, ['mcp-proxy', 'supergateway'], (measured) => -median(p50ByRound(measured)));
  const busiest = best(results, ['mcp-proxy', 'supergateway'], (measured) => median(callsByRound(measured)));
  const busiestOfAll = best(results, ['mcp-proxy', 'supergateway', 'mcp-proxy-http'], (measured) => median(callsByRound(measured)));
  const nameOf = (name: ContestantName | undefined) => (name === undefined ? '' : titles[name]);

  ratio('p50: floor / direct', p50ByRound, 'floor', 'direct');
  ratio('p50: http / floor', p50ByRound, 'http', 'floor', ['<=', 1.05]);
  value('  of the very first calls', coldOf(results, 'http') / coldOf(results, 'floor'));
  value('p99: http / floor', p99Of(results, 'http') / p99Of(results, 'floor'), ['<=', 1.3]);
  ratio(`p50: stdio / best peer (${nameOf(quickest)})`, p50ByRound, 'stdio', quickest, ['<=', 0.6]);
  ratio('p50: http / mcp-proxy http', p50ByRound, 'http', 'mcp-proxy-http');
  ratio(`calls/s: stdio / best peer (${nameOf(busiest)})`, callsByRound, 'stdio', busiest, ['>=', 1.5]);
  ratio(`calls/s: http / best peer (${nameOf(busiestOfAll)})`, callsByRound, 'http', busiestOfAll, ['>=', 1.5]);
  ratio('calls/s: http / floor', callsByRound, 'http', 'floor');
  const peaks = ours.flatMap((name) => extras.peakMegabytes.get(name) ?? []);
  value('serve, peak RSS in MB', peaks.length === 0 ? undefined : Math.max(...peaks), ['<', 90]);
  for (const name of ours) {
    value(`serve (${name}), ms from spawn to ready`, extras.readyMilliseconds.get(name), ['<', 250]);
    value('  of that a Node that does nothing', extras.bareMilliseconds.get(name));
  }
  for (const { file, raw, gzip } of extras.bundles) {
    value(`${file}, KB`, raw / 1000, file === 'dist/extension.js' ? ['<', 700] : undefined);
    value(`${file}, KB gzipped`, gzip / 1000);
  }
  value('activate(), ms', extras.activationMilliseconds);
  return findings;
}

type Aim = readonly [relation: '<=' | '>=' | '<', bound: number];

function judged(value: number, aim: Aim | undefined): Pick<Finding, 'aim'> {
  if (aim === undefined) {
    return {};
  }
  const [relation, bound] = aim;
  const met = relation === '<=' ? value <= bound : relation === '<' ? value < bound : value >= bound;
  return { aim: { relation, bound, met } };
}

function best(results: Results, names: readonly ContestantName[], score: (measured: Measured) => number): ContestantName | undefined {
  let found: { readonly name: ContestantName; readonly score: number } | undefined;
  for (const name of names) {
    const measured = results.get(name);
    if (measured !== undefined && (found === undefined || score(measured) > found.score)) {
      found = { name, score: score(measured) };
    }
  }
  return found?.name;
}
