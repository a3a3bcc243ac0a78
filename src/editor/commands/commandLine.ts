/** A program and its arguments. */
export interface CommandLine {
  readonly command: string;
  readonly args: string[];
}

/**
 * Splits a command line at spaces, as a shell would: "…" and '…' keep spaces, and outside of Windows `\` takes the
 * next character as it is. Nothing else is special: no variables, no pipes; the program is started without a shell.
 * @returns the parts, or a sentence that says what is wrong.
 */
export function parseCommandLine(text: string, windows = process.platform === 'win32'): CommandLine | { problem: string } {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === '\\' && !windows && quote !== "'" && (quote === undefined || /["\\]/.test(text.charAt(i + 1)))) {
      if (i + 1 === text.length) return { problem: 'There is nothing after the last "\\".' };
      word = (word ?? '') + text.charAt(++i);
    } else if (quote === undefined ? c === '"' || c === "'" : c === quote) {
      quote = quote === undefined ? c : undefined;
      word ??= '';
    } else if (quote === undefined && /\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (quote !== undefined) return { problem: `A ${quote} is not closed.` };
  if (word !== undefined) words.push(word);
  const [command, ...args] = words;
  return command === undefined || command === '' ? { problem: 'Give the program to start, with its arguments.' } : { command, args };
}
