/** The value below which the share `p` (0 to 1) of the samples lies (nearest rank), `NaN` for no samples. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(p * sorted.length));
  return sorted[rank - 1] ?? NaN;
}

/** The middle of the samples, the mean of the two middle ones for an even number, `NaN` for no samples. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  const high = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  return (low + high) / 2;
}

/** A ratio as its rounds show it: the median, and the quartiles as its spread. */
export interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The ratio of two series round by round: both sides of each division saw the same moment of the machine. */
export function ratioByRound(numerators: readonly number[], denominators: readonly number[]): Ratio {
  const ratios = numerators.map((numerator, round) => numerator / (denominators[round] ?? NaN));
  return { value: median(ratios), low: percentile(ratios, 0.25), high: percentile(ratios, 0.75) };
}
