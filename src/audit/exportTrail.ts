import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CSV_HEADER, toCef, toCsv } from './exportFormats';
import { readTrail } from './reader';
import type { TrailFilter, TrailLine } from './reader';

/** The formats of an export: the lines of the trail as they are, a table, ArcSight's Common Event Format. */
export const EXPORT_FORMATS = ['jsonl', 'csv', 'cef'] as const;

/** One of them. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What to export, and as what. */
export interface ExportOptions {
  /** The file of the current part of the trail. */
  readonly path: string;
  readonly format: ExportFormat;
  /** Of this product. */
  readonly version: string;
  readonly filter?: TrailFilter;
}

/**
 * Exports a trail, unchecked, to a file of this user's alone (0600), whole or not at all.
 * @param existing what happens to a file that is there. @returns how many entries it holds.
 * @throws the system's error; with `refuse`, `EEXIST` if the file is there.
 */
export async function exportTrail(options: ExportOptions, output: string, existing: 'replace' | 'refuse'): Promise<number> {
  if (existing === 'refuse') await writeFile(output, '', { flag: 'wx', mode: 0o600 });
  const temporary = `${output}.${randomBytes(6).toString('hex')}.tmp`;
  let count = 0;
  try {
    const text = exportText(options, () => {
      count += 1;
    });
    await pipeline(Readable.from(text), createWriteStream(temporary, { flags: 'wx', mode: 0o600, flush: true }));
    await rename(temporary, output);
  } catch (error) {
    await rm(temporary, { force: true });
    if (existing === 'refuse') await rm(output, { force: true });
    throw error;
  }
  return count;
}

/** The text of an export, piece by piece. @param counted is called for each entry. @throws the system's error. */
export async function* exportText(
  { path, format, version, filter }: ExportOptions,
  counted: () => void = () => undefined,
): AsyncGenerator<string> {
  if (format === 'csv') yield CSV_HEADER;
  for await (const line of readTrail(path, filter)) {
    counted();
    yield lineFor(line, format, version);
  }
}

function lineFor({ entry, text }: TrailLine, format: ExportFormat, version: string): string {
  switch (format) {
    case 'jsonl':
      return `${text}\n`;
    case 'csv':
      return toCsv(entry);
    case 'cef':
      return toCef(entry, version);
  }
}
