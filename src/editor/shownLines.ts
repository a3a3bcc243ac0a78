/** What a dialog shows of lines that are shown whole in an editor. */
const SHOWN_LINES = 8;
/** What a dialog shows of a line then, in UTF-16 units: about three lines of a dialog. */
const SHOWN_LENGTH = 200;

/** The first lines of a text that is too long for a dialog, each cut where it is too long, with a sign of it, and where the rest is. */
export function firstLines(lines: readonly string[]): string[] {
  return [...lines.slice(0, SHOWN_LINES).map(cutLine), '… all of it is in the editor behind this dialog'];
}

/** A line as a dialog can show it: one that is too long ends in how much of it is not shown. */
export function cutLine(line: string): string {
  if (line.length <= SHOWN_LENGTH) return line;
  // Half of a character is none.
  const shown = line.slice(0, SHOWN_LENGTH).replace(/[\ud800-\udbff]$/, '');
  return `${shown}… (${String(line.length - shown.length)} more characters)`;
}
