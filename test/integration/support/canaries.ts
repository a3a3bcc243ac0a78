import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allProcesses, environmentText } from './processes';

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
  return finder([value])(text);
}

/** Where values are found in the files below a folder or in the command line of any process; empty is good. */
export function findCanaries(folder: string, values: readonly string[]): string[] {
  const hasOne = finder(values);
  const files = filesBelow(folder);
  return [
    ...files.filter((file) => hasOne(file) || hasOne(contentOf(file))),
    ...allProcesses()
      .filter(({ commandLine }) => hasOne(commandLine))
      .map(({ pid }) => `command line of process ${String(pid)}`),
  ];
}

/** Where values are found in the environment or the command line of any process but those that are meant to have them. */
export function findInProcesses(values: readonly string[], except: readonly number[] = []): string[] {
  const hasOne = finder(values);
  return allProcesses()
    .filter(({ pid }) => !except.includes(pid))
    .flatMap(({ pid, commandLine }) => [
      ...(hasOne(commandLine) ? [`command line of ${commandLine.split(' ', 2).join(' ')}`] : []),
      ...(hasOne(environmentText(pid)) ? [`environment of ${commandLine}`] : []),
    ]);
}

/** Where values are found at any moment until something is done: in the files of a folder, and in processes but those that are meant to have them. */
export async function findMeanwhile(
  folder: string,
  values: readonly string[],
  done: Promise<unknown>,
  except: readonly number[] = [],
): Promise<string[]> {
  const found = new Set<string>();
  const end = { isThere: false };
  const finish = (): void => {
    end.isThere = true;
  };
  done.then(finish, finish);
  while (!end.isThere) {
    for (const place of [...findCanaries(folder, values), ...findInProcesses(values, except)]) found.add(place);
    await sleep(1);
  }
  return [...found];
}

function finder(values: readonly string[]): (text: string) => boolean {
  const forms = values.flatMap(formsOf);
  return (text) => forms.some((form) => text.includes(form));
}

/** Files and folders come and go while one looks at them. */
function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
