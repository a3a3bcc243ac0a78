import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allProcesses } from './processes';

/** A value that is found nowhere by chance. Needs escaping in URLs and JSON, so that each encoding shows it differently. */
export function newCanary(): string {
  return `cnry-${randomBytes(9).toString('hex')}/+ "q"\\&=é`;
}

/** A value like it that a header or a command line can carry. */
export function newPlainCanary(): string {
  return `cnry-${randomBytes(12).toString('hex')}`;
}

/** The ways in which a value may stand in a file: raw, in JSON, in JSON in JSON, base64 at each alignment, hex, URL-encoded. */
export function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(JSON.stringify(value)).slice(3, -3),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    encodeURIComponent(value),
    encodeURIComponent(value).replaceAll('%20', '+'),
  ];
}

/** Whether a text holds a value in any form. */
export function holds(text: string, value: string): boolean {
  return formsOf(value).some((form) => text.includes(form));
}

/** Where values are found in the files below a folder or in the command line of any process; empty is good. */
export function findCanaries(folder: string, values: readonly string[]): string[] {
  const forms = values.flatMap(formsOf);
  const hasOne = (text: string): boolean => forms.some((form) => text.includes(form));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return [
    ...files.filter((file) => hasOne(file) || hasOne(readFileSync(file).toString('utf8'))),
    ...allProcesses()
      .filter(({ commandLine }) => hasOne(commandLine))
      .map(({ pid }) => `command line of process ${String(pid)}`),
  ];
}
