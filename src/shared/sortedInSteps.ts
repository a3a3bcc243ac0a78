import type { Steps } from './steps';

/** How many are sorted, or merged, in one step. */
const STEP = 4_096;

/** The words in the order of their UTF-16 units, as `Array.prototype.sort` has them. */
export function* sortedInSteps(words: readonly string[]): Steps<string[]> {
  let runs: string[][] = [];
  for (let at = 0; at < words.length; at += STEP) {
    runs.push(words.slice(at, at + STEP).sort());
    yield;
  }
  while (runs.length > 1) {
    const longer: string[][] = [];
    for (let at = 0; at < runs.length; at += 2) longer.push(yield* merged(runs[at] ?? [], runs[at + 1] ?? []));
    runs = longer;
  }
  return runs[0] ?? [];
}

function* merged(left: readonly string[], right: readonly string[]): Steps<string[]> {
  const all: string[] = [];
  let [fromLeft, fromRight] = [0, 0];
  for (;;) {
    const [one, other] = [left[fromLeft], right[fromRight]];
    if (one !== undefined && (other === undefined || one <= other)) {
      all.push(one);
      fromLeft += 1;
    } else if (other !== undefined) {
      all.push(other);
      fromRight += 1;
    } else return all;
    if (all.length % STEP === 0) yield;
  }
}
