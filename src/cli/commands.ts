import { SecretsError } from '../shared/errors';
import { addAgent, allowAgent, listAgents, revokeAgent } from './agentCommands';
import type { Arguments } from './arguments';
import { exportAudit, tailAudit, verifyAudit } from './auditCommands';
import { createBackupFile, restoreBackupFile } from './backupCommands';
import { call } from './call';
import { explainCall } from './explain';
import type { Headless } from './headless';
import { rotateKeys } from './keyCommands';
import { protectKey, unprotectKey } from './passphraseCommands';
import { allowCalls, listGrants, revokeGrants } from './policyCommands';
import { deleteSecret, expireSecret, getSecret, listSecrets, setSecret } from './secretCommands';
import { serve } from './serve';
import { addServer, approveServer, listServers, removeServer, switchScope, updateServer } from './serverCommands';
import { acceptTools, listTools, reviewTools } from './toolCommands';
import { checkVault, deleteScope, destroyVault, listScopes, lockVault, recoverVault, startFresh, unlockVault } from './vaultCommands';
import { listVersions, pruneSecret, rollbackSecret } from './versionCommands';

/** What a command prints at its end; nothing if it has printed for itself. */
type Output = string | Buffer | undefined;

interface Command {
  /** What it needs after its own words, in words for people. */
  readonly operands: readonly string[];
  /** Whether any number of further words may follow. */
  readonly more?: boolean;
  /** Whether a program to start follows after `--`. */
  readonly program?: boolean;
  run(input: Arguments, headless: Headless, first: string, second: string): Output | Promise<Output>;
}

const name = ['a name'];

/** Every command by its words. */
const COMMANDS: Readonly<Record<string, Command>> = {
  'secret set': { operands: name, run: (input, headless, secret) => setSecret(input, secret, headless) },
  'secret list': { operands: [], run: listSecrets },
  'secret get': { operands: name, run: (input, headless, secret) => getSecret(input, secret, headless) },
  'secret delete': { operands: name, run: (input, headless, secret) => deleteSecret(input, secret, headless) },
  'secret expire': { operands: name, run: (input, headless, secret) => expireSecret(input, secret, headless) },
  'secret versions': { operands: name, run: (input, headless, secret) => listVersions(input, secret, headless) },
  'secret rollback': { operands: name, run: (input, headless, secret) => rollbackSecret(input, secret, headless) },
  'secret prune': { operands: name, run: (input, headless, secret) => pruneSecret(input, secret, headless) },
  'scope list': { operands: [], run: listScopes },
  'scope delete': { operands: ['a scope'], run: (input, headless, scope) => deleteScope(input, scope, headless) },
  'server add': { operands: name, program: true, run: (input, headless, server) => addServer(input, server, headless) },
  'server update': { operands: name, run: (input, headless, server) => updateServer(input, server, headless) },
  'server scope': { operands: ['a name', 'a scope'], run: (input, headless, server, scope) => switchScope(input, server, scope, headless) },
  'server list': { operands: [], run: listServers },
  'server remove': { operands: name, run: (input, headless, server) => removeServer(input, server, headless) },
  'server approve': { operands: name, run: (input, headless, server) => approveServer(input, server, headless) },
  tools: { operands: ['a server'], run: (input, headless, server) => listTools(input, server, headless) },
  'tools review': { operands: ['a server'], run: (input, headless, server) => reviewTools(input, server, headless) },
  'tools accept': {
    operands: ['a server'],
    more: true,
    run: (input, headless, server) => acceptTools(input, server, input.words.slice(3), headless),
  },
  'policy allow': { operands: ['a server', 'a tool'], run: (input, headless, server, tool) => allowCalls(input, server, tool, headless) },
  'policy list': { operands: [], run: listGrants },
  'policy revoke': {
    operands: ['a server'],
    more: true,
    run: (input, headless, server) => revokeGrants(input, server, input.words.slice(3), headless),
  },
  'agent add': { operands: name, run: (input, headless, agent) => addAgent(input, agent, headless) },
  'agent list': { operands: [], run: listAgents },
  'agent revoke': { operands: name, run: (input, headless, agent) => revokeAgent(input, agent, headless) },
  'agent allow': { operands: name, run: (input, headless, agent) => allowAgent(input, agent, headless) },
  'key rotate': { operands: [], run: rotateKeys },
  'key protect': { operands: [], run: protectKey },
  'key unprotect': { operands: [], run: unprotectKey },
  'backup create': { operands: ['a file'], run: (input, headless, path) => createBackupFile(input, path, headless) },
  'backup restore': { operands: ['a file'], run: (input, headless, path) => restoreBackupFile(input, path, headless) },
  'audit tail': { operands: [], run: tailAudit },
  'audit verify': { operands: [], run: verifyAudit },
  'audit export': { operands: [], run: exportAudit },
  'vault check': { operands: [], run: checkVault },
  'vault recover': { operands: [], run: recoverVault },
  'vault fresh': { operands: [], run: startFresh },
  'vault destroy': { operands: [], run: destroyVault },
  lock: { operands: [], run: (input, headless) => lockVault(input, 'locked', headless) },
  panic: { operands: [], run: (input, headless) => lockVault(input, 'panic', headless) },
  unlock: { operands: [], run: unlockVault },
  serve: { operands: [], run: serve },
  explain: {
    operands: ['a server'],
    more: true,
    run: (input, headless, server) => explainCall(input, server, input.words.slice(2), headless),
  },
  call: { operands: ['a server', 'a tool'], run: (input, headless, server, tool) => call(input, server, tool, headless) },
};

/** Runs what a command line says. @returns what to print. @throws SecretsError `usage`, and whatever the command throws. */
export async function runCommand(input: Arguments, headless: Headless): Promise<Output> {
  const { words } = input;
  const size = Object.hasOwn(COMMANDS, words.slice(0, 2).join(' ')) ? 2 : 1;
  const own = words.slice(0, size).join(' ');
  const command = Object.hasOwn(COMMANDS, own) ? COMMANDS[own] : undefined;
  if (command === undefined) throw new SecretsError('usage', { problem: `There is no command "${words.slice(0, 2).join(' ')}".` });
  const operands = words.slice(size);
  const missing = command.operands[operands.length];
  if (missing !== undefined) throw new SecretsError('usage', { problem: `"${own}" needs ${missing}.` });
  if (command.more !== true) refuseMore(own, operands.slice(command.operands.length));
  if (input.command !== undefined && command.program !== true)
    throw new SecretsError('usage', { problem: '"--" is for the command of a new server.' });
  return command.run(input, headless, operands[0] ?? '', operands[1] ?? '');
}

function refuseMore(own: string, [extra]: readonly string[]): void {
  if (extra === undefined) return;
  // What is too much here is likely the value: it is not repeated.
  if (own.startsWith('secret '))
    throw new SecretsError('usage', {
      problem: 'A value is not given on the command line, where others see it: it is read from standard input.',
    });
  const hint = own === 'server add' ? '; a command goes after "--"' : '';
  throw new SecretsError('usage', { problem: `"${extra}" is one word too many${hint}.` });
}
