import { LAYERS } from './readings';

const BACKSLASH = 0x5c;
/** So many backslashes are one in the innermost layer of JSON that is looked through. */
const WHOLE_ESCAPE = 2 ** LAYERS;

/**
 * The pieces in which a long text is looked through, `length` long and what they overlap by. A piece that begins among backslashes
 * begins where those before it mean themselves, in every layer: else what is escaped behind them would look as if it were not.
 */
export function* piecesOf(text: string, length: number, overlap: number): Generator<{ readonly from: number; readonly to: number }> {
  /** Where the backslashes before the last piece began, and where it was to begin. */
  let run = 0;
  let last = 0;
  for (let at = 0; at < text.length; at += length) {
    const wanted = Math.max(0, at - overlap);
    let start = wanted;
    while (start > last && text.charCodeAt(start - 1) === BACKSLASH) start -= 1;
    if (start > last) run = start;
    last = wanted;
    yield { from: wanted - ((wanted - run) % WHOLE_ESCAPE), to: Math.min(text.length, at + length) };
  }
}
