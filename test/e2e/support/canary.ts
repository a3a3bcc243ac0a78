import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formsOf } from '../../integration/support/canaries';

/** A value that is found nowhere by chance, looks like a token, and is written differently in each encoding. */
export function tokenCanary(prefix: string): string {
  return `${prefix}${randomBytes(12).toString('hex')}/+=&"`;
}

/** Whether a text holds a value in any form. Never put the value itself into an assertion's message. */
export function holdsAny(text: string, values: readonly string[]): boolean {
  return values.flatMap(formsOf).some((form) => text.includes(form));
}

/** What no file may hold: values in every form, and text of a pattern. */
export interface Unwanted {
  readonly values: readonly string[];
  readonly pattern?: RegExp;
}

/** Where files below a folder, their paths included, hold something unwanted. */
export async function searchFiles(folder: string, { values, pattern }: Unwanted): Promise<string[]> {
  const forms = values.flatMap(formsOf).flatMap((form) => [Buffer.from(form), Buffer.from(form, 'utf16le')]);
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (holdsAny(path, values)) found.push(`the path ${path}`);
    if (!entry.isFile()) continue;
    const bytes = await readFile(path);
    if (forms.some((form) => bytes.includes(form))) found.push(path);
    else if (pattern?.test(bytes.toString('latin1')) === true) found.push(`${path} (${String(pattern)})`);
  }
  return found;
}
