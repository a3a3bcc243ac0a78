/**
 * The text with every character that a reader cannot see, or that reorders what is read, written as
 * an escape: control characters, bidirectional marks, zero-width and other format characters, fillers, odd spaces.
 * For approvals and tooltips: what is shown must be what is run. See "Trojan Source", CVE-2021-42574.
 */
export function visible(text: string): string {
  // Nearly every name there is.
  if (/^[ -~]*$/.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu, (c) => {
    const code = c.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** As `visible`, for text of several lines: line breaks and tabs stay as they are. */
export function visibleLines(text: string): string {
  return text.replace(/[^\t\r\n]+|\r(?!\n)/g, (piece) => visible(piece));
}
