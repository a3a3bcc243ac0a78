import { endOfString } from '../shared/jsonText';

/** The deepest nesting of a message that is dealt with. What takes JSON apart or puts it together calls itself for each level. */
export const MAX_LEVELS = 1_000;

/** Whether objects and arrays in a JSON text are nested deeper than `MAX_LEVELS`. Short texts cost nothing. */
export function isTooDeep(text: string): boolean {
  // As many opening brackets as closing ones.
  if (text.length <= 2 * MAX_LEVELS) return false;
  let levels = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) at = endOfString(text, at);
    else if (unit === 0x5b || unit === 0x7b) {
      levels += 1;
      if (levels > MAX_LEVELS) return true;
    } else if (unit === 0x5d || unit === 0x7d) levels -= 1;
  }
  return false;
}
