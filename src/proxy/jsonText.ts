/** Whether an odd number of backslashes stands before this place. */
export function isEscaped(text: string, index: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(index - 1 - slashes) === 0x5c) slashes += 1;
  return slashes % 2 === 1;
}

/** The index of the quote that ends the JSON string which begins at `start`; the length of the text if none does. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) if (!isEscaped(text, end)) return end;
  return text.length;
}
