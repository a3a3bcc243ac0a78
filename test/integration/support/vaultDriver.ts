import { readFileSync, writeSync } from 'node:fs';
import { parseArguments } from '../../../src/cli/arguments';
import { runCommand } from '../../../src/cli/commands';
import { openHeadless } from '../../../src/cli/headless';
import type { Headless } from '../../../src/cli/headless';
import { silentLogger } from '../../../src/shared/logger';
import type { Vaults } from '../../../src/vault/vaults';
import type { Operation } from './vaultModel';
import { editorVaults } from './windowVaults';

// A process of its own: does operations one after the other, as the command line does them, and says of each on a line of its own
// when it is done, with the version that it made. Arguments: a file with the operations; "files" or "editor", for the kind of store.
const [operationsFile = '', stores = 'files'] = process.argv.slice(2);

async function run(): Promise<void> {
  const headless = openHeadless(process.cwd(), process.env, silentLogger);
  const vaults = stores === 'editor' ? editorVaults(headless) : headless.vaults;
  say('ready');
  for (const operation of JSON.parse(readFileSync(operationsFile, 'utf8')) as Operation[]) {
    say(String((await perform(operation, headless, vaults)) ?? ''));
  }
  await headless.close();
}

async function perform(operation: Operation, headless: Headless, vaults: Vaults): Promise<number | undefined> {
  switch (operation.kind) {
    case 'set': {
      const { scope, name, value } = operation;
      return (await vaults.of(scope).set(name, Buffer.from(value), 'cli', scope)).version;
    }
    case 'rollback':
      return (await vaults.of(operation.scope).rollback(operation.name, 'cli', operation.scope)).version;
    case 'delete':
      await vaults.of(operation.scope).delete(operation.name, 'cli', operation.scope);
      return undefined;
    case 'rotate':
      await command(headless, 'key', 'rotate');
      return undefined;
    case 'restore': {
      const { file, identity } = operation.backup;
      await command(headless, 'backup', 'restore', file, '--identity', identity, '--include-older');
      return undefined;
    }
    case 'resume':
      await headless.resume();
      return undefined;
  }
}

async function command(headless: Headless, ...args: string[]): Promise<void> {
  await runCommand(parseArguments(args), headless);
}

/** Written when it returns: what comes after is not yet done. */
function say(text: string): void {
  writeSync(1, `${text}\n`);
}

void run();
