import { version } from '../../package.json';
import { isSecretsError, messageOf, SecretsError } from '../shared/errors';
import type { Logger } from '../shared/logger';
import { parseArguments } from './arguments';
import type { Arguments } from './arguments';
import { call } from './call';
import { HELP } from './help';
import { openHeadless } from './headless';
import type { Headless } from './headless';
import { deleteSecret, getSecret, listSecrets, setSecret } from './secretCommands';
import { serve } from './serve';
import { addServer, approveServer, listServers, removeServer, updateServer } from './serverCommands';

/** Diagnostics go to standard error; standard output is for results. Only a server that stays has more to say than its failures. */
function loggerFor(input: Arguments): Logger {
  const write = (message: string): void => void process.stderr.write(`${message}\n`);
  return { info: input.words[0] === 'serve' ? write : () => undefined, warn: write, error: write };
}

async function run(argv: readonly string[]): Promise<void> {
  const input = parseArguments(argv);
  if (input.options.version === true) print(`${version}\n`);
  else if (input.options.help === true || input.words[0] === 'help') print(HELP);
  else if (input.words.length === 0) throw new SecretsError('usage', { problem: 'Nothing to do.' });
  else {
    const headless = openHeadless(input.options.workspace ?? process.cwd(), process.env, loggerFor(input));
    try {
      await dispatch(input, headless);
    } finally {
      headless.audit.dispose();
      headless.vault.dispose();
    }
  }
}

async function dispatch(input: Arguments, headless: Headless): Promise<void> {
  const [group, verb, name] = input.words;
  switch (`${group ?? ''} ${verb ?? ''}`) {
    case 'secret set':
      print(await setSecret(input, needed(input, name), headless));
      return;
    case 'secret list':
      print(listSecrets(atMost(input, 2), headless));
      return;
    case 'secret get':
      print(await getSecret(input, needed(input, name), headless));
      return;
    case 'secret delete':
      print(await deleteSecret(input, needed(input, name), headless));
      return;
    case 'server add':
      print(await addServer(input, needed(input, name, true), headless));
      return;
    case 'server update':
      print(await updateServer(input, needed(input, name), headless));
      return;
    case 'server list':
      print(listServers(atMost(input, 2), headless));
      return;
    case 'server remove':
      print(await removeServer(input, needed(input, name), headless));
      return;
    case 'server approve':
      print(await approveServer(input, needed(input, name), headless));
      return;
  }
  if (group === 'serve') await serve(atMost(input, 1), headless);
  else if (group === 'call' && verb !== undefined && name !== undefined) print(await call(atMost(input, 3), verb, name, headless));
  else if (group === 'call') throw new SecretsError('usage', { problem: 'A call needs a server and a tool.' });
  else throw new SecretsError('usage', { problem: `There is no command "${input.words.slice(0, 2).join(' ')}".` });
}

function needed(input: Arguments, name: string | undefined, mayHaveCommand = false): string {
  if (name === undefined) throw new SecretsError('usage', { problem: `"${input.words.join(' ')}" needs a name.` });
  if (input.words[0] === 'secret' && input.words.length > 3) {
    // What is too much here is likely the value: it is not repeated.
    throw new SecretsError('usage', {
      problem: 'A value is not given on the command line, where others see it: it is read from standard input.',
    });
  }
  if (!mayHaveCommand) atMost(input, 3);
  return name;
}

function atMost(input: Arguments, words: number): Arguments {
  const extra = input.words[words];
  if (extra !== undefined) throw new SecretsError('usage', { problem: `"${extra}" is one word too many.` });
  if (input.command !== undefined) throw new SecretsError('usage', { problem: '"--" is for the command of a new server.' });
  return input;
}

function print(text: string | Buffer): void {
  process.stdout.write(text);
}

run(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`mcp-secrets: ${messageOf(error)}\n`);
  process.exitCode = isSecretsError(error, 'usage') ? 2 : 1;
});
