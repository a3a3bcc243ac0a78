/** What a terminal puts around what is pasted, if it is asked to. */
const START = '\u001b[200~';
const END = '\u001b[201~';
const MARKER = /(\u001b\[20[01]~)/;
/** The first characters of a marker, where a piece ends within one. */
const BEGUN_MARKER = /\u001b(?:\[(?:2(?:0[01]?)?)?)?$/;
const ESCAPE = '\u001b';
const CTRL_C = '\u0003';
/**
 * Ctrl-Space, which the line editor takes for a key without effect. It gets it for a marker: that would not end an escape
 * sequence that was begun before, by Alt-[ or two times Escape, but go into the line with it. The key does.
 */
const NO_EFFECT = '\0';
/** All control characters but tabs and line breaks. */
const CONTROLS = /[\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** What is known of the pastes after a piece of what a terminal sends. */
export interface Pasting {
  /** Whether a paste has begun whose end has not come. */
  readonly open: boolean;
  /** The first characters of what may be a marker: the others may come with the next piece, however late. */
  readonly begun: string;
  /** Whether the line editor got the first of them: a lone escape character is most likely a key, which it tells by the time. */
  readonly told: boolean;
  /** Whether something was pasted that is not text: it would be taken for keys, or for the end of the paste. */
  readonly foul: boolean;
  /** Whether Ctrl-C came last while a paste was open: from a person, if nothing follows; else it was pasted. */
  readonly left: boolean;
}

/** Before the first piece. */
export const NOTHING_PASTED: Pasting = { open: false, begun: '', told: false, foul: false, left: false };

/** A piece as the line editor gets it, and what is known after it. */
export interface TakenPiece extends Pasting {
  /** All that is typed, a key without effect for each marker, and of what is pasted the text alone: no key within it edits the line or leaves it. */
  readonly keys: string;
}

/**
 * Tells what is typed from what is pasted.
 * @param before what the piece before left, or `NOTHING_PASTED`. @param piece may end anywhere, within a marker too.
 */
export function takePiece(before: Pasting, piece: string): TakenPiece {
  const text = before.begun + piece;
  const begun = BEGUN_MARKER.exec(text)?.[0] ?? '';
  const sure = text.slice(0, text.length - begun.length);
  const left = before.open && piece.endsWith(CTRL_C);
  const taken = sure.split(MARKER).reduce(takePart, { ...before, begun, left, keys: '' });
  // The line editor has the first character already. A marker does not go on itself, so there is none to leave out.
  const known = before.told && MARKER.exec(text)?.index !== 0 ? 1 : 0;
  const stillTold = before.told && sure === '';
  const tells = begun === ESCAPE && !taken.open && !stillTold;
  return { ...taken, told: stillTold || tells, keys: taken.keys.slice(known) + (tells ? ESCAPE : '') };
}

/** @param part a marker, or what stands between two. */
function takePart(before: TakenPiece, part: string): TakenPiece {
  if (part === START || part === END) return takeMarker(before, part);
  if (!before.open) return withKeys(before, part);
  const text = part.replace(CONTROLS, '');
  return { ...withKeys(before, text), foul: before.foul || text !== part };
}

function takeMarker(before: TakenPiece, marker: typeof START | typeof END): TakenPiece {
  const open = marker === START;
  // One that begins what is begun, or ends what is not, was pasted itself: nobody knows any more what else was.
  const foul = before.foul || open === before.open;
  return { ...withKeys(before, NO_EFFECT), open, foul };
}

function withKeys(before: TakenPiece, text: string): TakenPiece {
  return { ...before, keys: before.keys + text };
}

/**
 * Asks a terminal to put markers around what is pasted, until the returned function is called or the process exits.
 * Nothing is written where that would be seen as text: to what is no terminal, or one that is not known to obey escape sequences.
 * @param output where the prompt is shown. @param env says with `TERM` what the terminal is.
 */
export function markPastes(output: NodeJS.WriteStream, { TERM }: NodeJS.ProcessEnv): () => void {
  if (!output.isTTY || TERM === undefined || TERM === '' || TERM === 'dumb') return () => undefined;
  const stop = (): void => {
    process.off('exit', stop);
    output.write('\u001b[?2004l');
  };
  process.on('exit', stop);
  output.write('\u001b[?2004h');
  return stop;
}
