import { version } from '../../package.json';
import { isSecretsError, messageOf, SecretsError } from '../shared/errors';
import type { Logger } from '../shared/logger';
import { parseArguments } from './arguments';
import type { Arguments } from './arguments';
import { runCommand } from './commands';
import { HELP } from './help';
import { openHeadless } from './headless';
import { outliveReaders, print, tell } from './output';
import { streamAudit, streamTargets } from './streams';

/** Diagnostics go to standard error; standard output is for results. Only a server that stays has more to say than its failures. */
function loggerFor(input: Arguments): Logger {
  return { info: input.words[0] === 'serve' ? tell : () => undefined, warn: tell, error: tell };
}

async function run(argv: readonly string[]): Promise<void> {
  const input = parseArguments(argv);
  if (input.options.version === true) await print(`${version}\n`);
  else if (input.options.help === true || input.words[0] === 'help') await print(HELP);
  else if (input.words.length === 0) throw new SecretsError('usage', { problem: 'Nothing to do.' });
  else {
    const logger = loggerFor(input);
    const targets = streamTargets(input, process.env);
    // Whoever locks has no time for questions.
    const asks = !['lock', 'panic'].includes(input.words[0] ?? '');
    const headless = openHeadless(input.options.workspace ?? process.cwd(), process.env, logger, asks);
    const streams = streamAudit(headless, targets, logger);
    try {
      await headless.resume();
      const output = await runCommand(input, headless);
      // What was done is on record before anybody sees what came of it.
      await headless.audit.flush();
      await print(output ?? '');
    } finally {
      await headless.close();
      await streams.close();
    }
  }
}

outliveReaders();
run(process.argv.slice(2)).catch((error: unknown) => {
  tell(`mcp-secrets: ${messageOf(error)}`);
  process.exitCode = isSecretsError(error, 'usage') ? 2 : 1;
});
