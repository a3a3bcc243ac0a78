import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Makes lines of what is typed, with the keys of a terminal, and writes nowhere. @param keys all that is typed. */
export function lineEditor(keys: Readable): Interface {
  // However late the second character of a line break comes, it is none of its own.
  const editor = createInterface({ input: keys, terminal: true, historySize: 0, crlfDelay: Infinity });
  // Within a piece of many characters Node has completion off, and then puts each at the end of the line, wherever the cursor is.
  // Nothing is completed here. On, it asks at each character where the cursor is shown, which takes long: so only where it matters.
  Object.defineProperty(editor, 'isCompletionEnabled', { get: () => editor.cursor < editor.line.length, set: () => undefined });
  // Nothing is shown: to draw the line again at each character would take minutes for a large value.
  Object.defineProperty(editor, '_refreshLine', { value: () => undefined });
  return editor;
}
