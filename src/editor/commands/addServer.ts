import * as vscode from 'vscode';
import type { ServerSource } from '../../bindings/edit';
import { hasServer, putServer } from '../../bindings/edit';
import { commandLine } from '../../bindings/plan';
import { SERVER_NAME } from '../../bindings/schema';
import { parseServersFile } from '../../bindings/serversFile';
import { SecretsError } from '../../shared/errors';
import { DEFAULT_SCOPE } from '../../vault/secret';
import { plain } from '../plain';
import { changeServersFile } from '../serversDocument';
import type { Workspace } from '../workspace';
import { askSecrets } from './chooseSecrets';
import { parseCommandLine } from './commandLine';
import { problemOf } from './pick';

const TITLE = 'Add Server';

const TYPES = [
  { label: '$(globe) HTTP', description: 'a remote MCP server', detail: 'Reached at an address (Streamable HTTP)', type: 'http' },
  { label: '$(terminal) stdio', description: 'a local MCP server', detail: 'A program that is started on this computer', type: 'stdio' },
  { label: '$(symbol-method) Function', description: 'a plain HTTP endpoint', detail: 'Offered to agents as one tool', type: 'function' },
] as const;

/** Asks for everything that a server needs, writes it into the servers file and asks for its approval. */
export async function addServer(workspace: Workspace): Promise<void> {
  const picked = await vscode.window.showQuickPick(TYPES, {
    title: TITLE,
    placeHolder: 'What kind of server is it?',
    ignoreFocusOut: true,
  });
  if (picked === undefined) return;
  const name = await askName(workspace);
  if (name === undefined) return;
  const source = picked.type === 'stdio' ? await askStdio(name) : picked.type === 'http' ? await askHttp(name) : await askFunction(name);
  if (source === undefined) return;
  const specs = await askSecrets(workspace, { name, type: picked.type, scope: DEFAULT_SCOPE }, {});
  if (specs === undefined) return;
  await changeServersFile(workspace, (text) => {
    // Meanwhile somebody may have added one of that name by hand; the wizard must not overwrite it.
    if (hasServer(text, name))
      throw new SecretsError('serverInvalid', { server: name, line: 0, problem: 'There is another server of this name.' });
    return putServer(text, name, source, specs);
  });
  workspace.audit.record({ actor: 'user', action: 'server.add', server: name, secrets: Object.keys(specs), outcome: 'ok' });
  await workspace.approvalDialog.ask(workspace.servers.get(name));
}

async function askName({ servers }: Workspace): Promise<string | undefined> {
  const text = servers.text();
  return ask('The name of the server', '', 'github', (name) => {
    if (!SERVER_NAME.test(name)) return plain(new SecretsError('serverNameInvalid', { server: name }).message);
    return hasServer(text, name) ? `There is a server named "${name}" already.` : undefined;
  });
}

async function askHttp(name: string): Promise<ServerSource | undefined> {
  const url = await askUrl(name, { type: 'http', url: '' });
  return url === undefined ? undefined : { type: 'http', url };
}

async function askStdio(name: string): Promise<ServerSource | undefined> {
  const text = await ask(
    `The command that starts ${name}, as in a terminal. No secrets here: they are chosen next`,
    '',
    'npx -y some-mcp-server',
    (line) => {
      const parsed = parseCommandLine(line);
      if ('problem' in parsed) return parsed.problem;
      return {
        message: `Starts: ${plain(commandLine([parsed.command, ...parsed.args]))}`,
        severity: vscode.InputBoxValidationSeverity.Info,
      };
    },
  );
  const parsed = text === undefined ? undefined : parseCommandLine(text);
  if (parsed === undefined || 'problem' in parsed) return undefined;
  const { command, args } = parsed;
  return { type: 'stdio', command, ...(args.length > 0 ? { args } : {}) };
}

async function askFunction(name: string): Promise<ServerSource | undefined> {
  const url = await askUrl(name, { type: 'function', url: '', tools: [{ name: 'call' }] });
  if (url === undefined) return undefined;
  const tool = await ask('The name of the tool that agents see', name.replace(/[^A-Za-z0-9_-]/g, '_'), 'deploy', (text) =>
    problemOf(() => putServer('', name, { type: 'function', url, tools: [{ name: text }] }, {})),
  );
  if (tool === undefined) return undefined;
  const description = await ask(
    'What the tool does; agents read this to decide when to use it',
    '',
    'Deploys a tag to production',
    () => undefined,
    true,
  );
  if (description === undefined) return undefined;
  return { type: 'function', url, tools: [{ name: tool, ...(description === '' ? {} : { description }) }] };
}

function askUrl(name: string, source: Exclude<ServerSource, { type: 'stdio' }>): Promise<string | undefined> {
  return ask(`The address of ${name}. No secrets here: they are chosen next`, '', 'https://api.example.com/mcp', (url) => {
    // The parser of the file is the judge of what can be in the file.
    const text = JSON.stringify({ servers: { [name]: { ...source, url } } });
    return plain(parseServersFile(text, '/').problems[0]?.message ?? '');
  });
}

type Validation = string | vscode.InputBoxValidationMessage | undefined;

async function ask(
  prompt: string,
  value: string,
  placeHolder: string,
  validate: (text: string) => Validation,
  optional = false,
): Promise<string | undefined> {
  const validateInput = (text: string): Validation => (text.trim() === '' ? undefined : validate(text.trim()));
  for (;;) {
    const answer = await vscode.window.showInputBox({ title: TITLE, prompt, value, placeHolder, ignoreFocusOut: true, validateInput });
    // Enter in an empty box is no answer, and no reason to throw away the ones before.
    if (answer === undefined || optional || answer.trim() !== '') return answer?.trim();
  }
}
