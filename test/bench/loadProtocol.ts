import type { Endpoint } from './session';

/** One stretch of echo calls: `calls` are measured after `warmup` that are not, `inFlight` at a time. */
export interface Block {
  readonly calls: number;
  readonly warmup: number;
  readonly inFlight: number;
}

/** What a block gave. `latencies` has one entry, in milliseconds, per call that got the right answer. */
export interface BlockResult {
  readonly latencies: readonly number[];
  readonly elapsedMilliseconds: number;
  readonly errors: number;
  readonly firstError: string | undefined;
}

/** What the bench asks of the load generator's process. `session` is a name that `open` gives and the others use. */
export type LoadRequest =
  | { readonly kind: 'open'; readonly session: string; readonly endpoint: Endpoint }
  | { readonly kind: 'call'; readonly session: string; readonly tool: string; readonly args: object }
  | { readonly kind: 'run'; readonly session: string; readonly block: Block }
  | { readonly kind: 'close'; readonly session: string };

/** The answer to the one request in progress: a value by the request's kind, or why it failed. */
export type LoadResponse =
  { readonly ok: true; readonly value: string | BlockResult | undefined } | { readonly ok: false; readonly error: string };
