import { RE2JS } from 're2js';

/** A pattern that is looked for anywhere in a text, in time linear in the text. */
export interface LinearPattern {
  test(text: string): boolean;
}

/**
 * Reads a regular expression as written for JavaScript, for an engine (RE2) that does not backtrack. What would need that
 * (look-around, back references) cannot be expressed. @throws Error if it cannot be read.
 */
export function linearPattern(source: string): LinearPattern {
  const pattern = RE2JS.compile(RE2JS.translateRegExp(source));
  return { test: (text) => pattern.test(text) };
}
