import { findNodeAtLocation, getNodeValue, parseTree } from 'jsonc-parser';
import { digestOf } from '../shared/canonicalJson';
import { putEntry } from './edit';
import { parseServersFile } from './serversFile';

/** `new`: not here. `same`: here, with the same fields. `invalid`: has a problem, so it cannot be taken over. */
export type ServerState = 'new' | 'changed' | 'same' | 'invalid';

/** One server of another servers file beside the one here. */
export interface ComparedServer {
  readonly name: string;
  readonly state: ServerState;
}

/**
 * The servers of another servers file, each compared with the one of that name here, in the order of the other file. The
 * order of fields, layout and comments make no difference. Throws nothing: a text with a syntax error has no servers.
 */
export function compareServers(currentText: string, otherText: string): ComparedServer[] {
  const { servers, problems } = parseServersFile(otherText, '/');
  const names = new Set([...servers.keys(), ...problems.flatMap(({ server }) => (server === undefined ? [] : [server]))]);
  const current = entriesOf(currentText);
  const other = entriesOf(otherText);
  return [...other.keys()].flatMap((name): ComparedServer[] => {
    if (!names.has(name)) return [];
    if (!servers.has(name)) return [{ name, state: 'invalid' }];
    const here = current.get(name);
    return [{ name, state: here === undefined ? 'new' : digestOf(here) === digestOf(other.get(name)) ? 'same' : 'changed' }];
  });
}

/**
 * The text of the servers file here with these servers of another one added or replaced. Comments here stay. An empty file
 * becomes the other one as it is, if all of its servers are wanted.
 * @param names servers of the other file; those that are not in it, or have problems there, are left out.
 * @throws SecretsError `serversFileInvalid` if the text here has a syntax error.
 */
export function mergeServers(currentText: string, otherText: string, names: readonly string[]): string {
  const { servers, problems } = parseServersFile(otherText, '/');
  const wanted = names.filter((name) => servers.has(name));
  if (currentText.trim() === '' && problems.length === 0 && wanted.length === servers.size) return otherText;
  const entries = entriesOf(otherText);
  return wanted.reduce((text, name) => putEntry(text, name, entries.get(name)), currentText);
}

/** The servers of a servers file as they are written there. Empty if it cannot be read. */
function entriesOf(text: string): Map<string, unknown> {
  // What cannot be read at all has no servers, and no problems of servers, either.
  const { servers, problems } = parseServersFile(text, '/');
  if (servers.size === 0 && !problems.some(({ server }) => server !== undefined)) return new Map();
  const root = parseTree(text, [], { allowTrailingComma: true });
  const node = root && findNodeAtLocation(root, ['servers']);
  const value: unknown = node === undefined ? {} : getNodeValue(node);
  return new Map(typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []);
}
