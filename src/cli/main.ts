import { version } from '../../package.json';
import { isSecretsError, messageOf, SecretsError } from '../shared/errors';
import type { Logger } from '../shared/logger';
import { parseArguments } from './arguments';
import type { Arguments } from './arguments';
import { runCommand } from './commands';
import { HELP } from './help';
import { openHeadless } from './headless';
import { streamAudit, streamTargets } from './streams';

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
    const logger = loggerFor(input);
    const targets = streamTargets(input, process.env);
    const headless = openHeadless(input.options.workspace ?? process.cwd(), process.env, logger);
    const streams = streamAudit(headless, targets, logger);
    try {
      await headless.resume();
      print((await runCommand(input, headless)) ?? '');
    } finally {
      await headless.close();
      await streams.close();
    }
  }
}

function print(text: string | Buffer): void {
  if (text.length > 0) process.stdout.write(text);
}

run(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`mcp-secrets: ${messageOf(error)}\n`);
  process.exitCode = isSecretsError(error, 'usage') ? 2 : 1;
});
