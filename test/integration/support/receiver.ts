/** An entry as it arrived: text, whatever it was before. */
export interface ReceivedEntry extends Readonly<Record<string, string>> {
  readonly id: string;
  readonly time: string;
}

/** A receiver of audit entries that can be away. */
export interface Receiver {
  /** What the user configures. */
  readonly url: string;
  /** The variable that takes it. */
  readonly variable: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Everything that arrived so far, repeated entries included. */
  entries(): ReceivedEntry[];
}
