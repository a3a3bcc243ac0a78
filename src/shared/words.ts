type Nothing = Readonly<Record<string, never>>;

/** What each kind of error needs to know to be put into words. Names, paths and numbers; never values. */
export interface ErrorDetails {
  // vault
  nameInvalid: { name: string };
  valueEmpty: { name: string };
  valueTooLarge: { name: string; bytes: number; limit: number };
  secretMissing: { names: readonly string[]; server?: string; scope?: string };
  secretUnreadable: { name: string };
  vaultDamaged: { what: string };
  vaultNewer: { format: number; known: number };
  keyLost: Nothing;
  keyInvalid: { path: string; why: string };
  keyNotKept: { reason: string };
  versionMissing: { name: string; version: number };
  nothingToRollBack: { name: string };
  scopeInvalid: { scope: string };
  scopeMissing: { scope: string };
  scopeOther: { secret: string; server: string; scope: string };
  secretExpired: { name: string; server: string; at: string };
  vaultOlder: { generation: number; expected: number };
  vaultAltered: { what: string };
  rotationIncomplete: { done: number; failed: readonly string[] };
  vaultIsFine: Nothing;
  secretsDamaged: { named: readonly string[] };
  passphraseNeeded: Nothing;
  passphraseWrong: Nothing;
  tooOpen: { path: string; mode: string; fix: string };
  backupUnreadable: { why: string };
  backupWrongKey: Nothing;
  backupNewer: { format: number; known: number };
  backupFailed: { why: string };
  backupExists: { path: string };
  recipientInvalid: { number: number; why: string };
  identityInvalid: { why: string };
  passphraseShort: { least: number };
  locked: Nothing;
  untrusted: Nothing;
  noFolder: Nothing;
  storeFailed: { path: string; reason: string };
  storeBusy: { path: string };
  // bindings
  serversFileInvalid: { path: string; line: number; problem: string };
  serverInvalid: { server: string; line: number; problem: string };
  serverUnknown: { server: string; known: readonly string[] };
  serverNameInvalid: { server: string };
  serverUnapproved: { server: string };
  serverStopped: { server: string };
  secretUnsendable: { name: string; server: string; mode: string; why: string };
  // proxy, towards the agent
  hostRefused: Nothing;
  originRefused: Nothing;
  tokenMissing: Nothing;
  tokenWrong: Nothing;
  notFound: Nothing;
  methodNotAllowed: { method: string };
  contentType: Nothing;
  bodyTooLarge: { limit: number };
  notJson: Nothing;
  notJsonRpc: { why: string };
  sessionUnknown: Nothing;
  sessionLimit: { server: string; limit: number };
  // proxy, towards the upstream
  upstreamUnreachable: { server: string; target: string; reason: string };
  upstreamTimeout: { server: string; seconds: number };
  upstreamNonsense: { server: string; what: string };
  upstreamRefused: { server: string; status: number; secrets: readonly string[] };
  upstreamStatus: { server: string; status: number };
  upstreamRedirect: { server: string };
  upstreamTooLarge: { server: string; limit: number };
  upstreamClosed: { server: string };
  commandNotFound: { server: string; command: string };
  commandFailed: { server: string; command: string; reason: string };
  childExited: { server: string; how: string };
  // audit trail
  auditBroken: {
    problem: 'edited' | 'missing' | 'reordered' | 'truncated' | 'torn' | 'unkeyed' | 'foreign';
    seq: number;
    file: string;
  };
  outputExists: { path: string };
  // agents and command line
  listenFailed: { where: string; reason: string };
  streamInvalid: { kind: 'syslog' | 'otlp'; why: string };
  usage: { problem: string };
  revealRefused: { name: string };
  toolFailed: { server: string; tool: string; why: string };
}

/** The name of one way to fail. */
export type ErrorKind = keyof ErrorDetails;

type Words = { readonly [K in ErrorKind]: (d: ErrorDetails[K]) => string };

const list = (names: readonly string[]): string => names.join(', ');
const atLine = (line: number): string => (line > 0 ? `, line ${String(line)}` : '');
const some = (names: readonly string[]): string =>
  names.length === 0 ? 'its credentials' : names.length === 1 ? `the secret ${list(names)}` : `the secrets ${list(names)}`;

const auditProblems: Readonly<Record<ErrorDetails['auditBroken']['problem'], string>> = {
  edited: 'is not what was written: it was changed, or put in',
  missing: 'is missing',
  reordered: 'is not in its place, or there twice',
  truncated: 'is missing, or the end of the trail cannot be told: it was cut off, or its head was changed',
  torn: 'was cut in the middle',
  unkeyed: 'was written while the key was not there, or by somebody without it',
  foreign: 'was written under a key that is not there (any more), so it cannot be checked',
};

/** Every error in words, in the one place where this is done: what happened, then what to do next. */
export const words: Words = {
  nameInvalid: (d) =>
    `"${d.name}" cannot be the name of a secret. Use 1 to 128 letters, digits or underscores, with at least one letter or digit.`,
  valueEmpty: (d) => `The value of ${d.name} is empty. Give a value; to remove the secret, delete it.`,
  valueTooLarge: (d) =>
    `The value of ${d.name} has ${String(d.bytes)} bytes; at most ${String(d.limit)} can be kept. Store a shorter credential.`,
  secretMissing: (d) => {
    const bound = d.server === undefined ? '' : `, bound to server "${d.server}",`;
    const where = d.scope === undefined ? '' : ` in the scope "${d.scope}"`;
    const option = d.scope === undefined ? '' : ` --scope ${d.scope}`;
    return d.names.length === 1
      ? `The secret ${list(d.names)}${bound} does not exist${where}. Add it with "MCP Secrets: Add Secret" or "mcp-secrets secret set ${list(d.names)}${option}".`
      : `The secrets ${list(d.names)}${bound} do not exist${where}. Add them with "MCP Secrets: Add Secret" or "mcp-secrets secret set NAME${option}".`;
  },
  secretUnreadable: (d) =>
    `The secret ${d.name} cannot be opened: its ciphertext was changed or belongs to another vault. It was left as it is. Set it again to use it.`,
  vaultDamaged: (d) =>
    `The stored vault cannot be read (${d.what}). It was left as it is. Restore it from a copy, or move it away to start a new one.`,
  vaultNewer: (d) =>
    `The stored vault has format ${String(d.format)}; this version knows formats up to ${String(d.known)}. Update MCP Secrets. Nothing was changed.`,
  keyLost: () =>
    'The key of this vault is gone, so its secrets cannot be opened. Restore a backup, or start fresh and set the secrets again. (In a browser, if another window has just made the vault: reload this one.) The ciphertext was left as it is.',
  keyInvalid: (d) => `The key in ${d.path} cannot be used: ${d.why}. Nothing was changed. Put the right key there.`,
  keyNotKept: (d) =>
    `VS Code could not keep the key of this vault in its secret storage (${d.reason}), so nothing was sealed under it. Set up a keyring for VS Code, or protect the key by a passphrase instead: "MCP Secrets: Protect Key with Passphrase".`,
  versionMissing: (d) =>
    `${d.name} has no version ${String(d.version)} (any more). "mcp-secrets secret versions ${d.name}" lists those it has.`,
  nothingToRollBack: (d) => `${d.name} has no earlier version to go back to.`,
  scopeInvalid: (d) =>
    `"${d.scope}" cannot be the name of a scope. Use 1 to 64 letters, digits, ".", "_" or "-", starting with a letter or digit.`,
  scopeMissing: (d) => `There are no secrets in the scope "${d.scope}".`,
  scopeOther: (d) =>
    `Server "${d.server}" takes its secrets from the scope "${d.scope}" only, and ${d.secret} is in another one. Add a secret of this name there, or switch the server to the other scope.`,
  secretExpired: (d) =>
    `The secret ${d.name}, bound to server "${d.server}", expired on ${d.at} and is not used any more. Replace it with a new value, or change its expiry date.`,
  vaultOlder: (d) =>
    `The stored vault is an older one (generation ${String(d.generation)}; ${String(d.expected)} was the last): somebody put an earlier state back. Nothing was changed. If that was you, accept it with "MCP Secrets: Recover Vault" or "mcp-secrets vault recover".`,
  vaultAltered: (d) =>
    `The stored vault was changed from outside (${d.what}). Nothing was deleted. See what is left with "MCP Secrets: Recover Vault" or "mcp-secrets vault recover".`,
  rotationIncomplete: (d) =>
    `The key was replaced in ${String(d.done)} vaults, and not in these, whose key was kept: ${d.failed.join(' ')} Then run "mcp-secrets key rotate" again.`,
  vaultIsFine: () =>
    'The vault can be opened, so there is no need for a new one. To get rid of its secrets, use "MCP Secrets: Destroy All Secrets".',
  secretsDamaged: (d) =>
    `These secrets cannot be opened; they were left as they are: ${list(d.named)}. Roll them back, set them again, or restore a backup.`,
  passphraseNeeded: () =>
    'The key of this vault is protected by a passphrase. Unlock it with "MCP Secrets: Unlock Vault"; on the command line, type it when asked, or name a file that holds it in MCP_SECRETS_PASSPHRASE_FILE.',
  passphraseWrong: () => 'The passphrase is not right. Nothing was changed. Try again.',
  tooOpen: (d) => `${d.path} can be read or written by others (mode ${d.mode}), so it is not used. Run "${d.fix}", then try again.`,
  backupUnreadable: (d) => `The backup cannot be read: ${d.why}. Nothing was changed.`,
  backupWrongKey: () => 'The backup does not open with this passphrase or identity. Nothing was changed. Try another one.',
  backupNewer: (d) =>
    `The backup has format ${String(d.format)}; this version knows formats up to ${String(d.known)}. Update MCP Secrets. Nothing was changed.`,
  backupFailed: (d) => `The backup could not be made: ${d.why}. Nothing was written.`,
  backupExists: (d) => `${d.path} is there already. Choose another name for the backup, or replace it with --force.`,
  recipientInvalid: (d) => `Recipient ${String(d.number)} cannot be used: ${d.why}. Give age recipients ("age1…"). No backup was made.`,
  identityInvalid: (d) =>
    `The identity file cannot be used: ${d.why}. Give a file as "age-keygen" writes it ("AGE-SECRET-KEY-…"); it may not be encrypted itself.`,
  passphraseShort: (d) => `The passphrase is too short. Give at least ${String(d.least)} characters.`,
  locked: () => 'The vault is locked. Unlock it with "MCP Secrets: Unlock Vault" or "mcp-secrets unlock".',
  untrusted: () => 'This workspace is in Restricted Mode. Trust it to use secrets and servers ("Workspaces: Manage Workspace Trust").',
  noFolder: () => 'MCP Secrets keeps secrets per workspace. Open a folder first.',
  storeFailed: (d) => `${d.path} could not be read or written (${d.reason}). Nothing was changed. Check the disk and the permissions.`,
  storeBusy: (d) => `${d.path} is in use by another process that does not let go of it. Try again; nothing was changed.`,

  serversFileInvalid: (d) => `${d.path} has an error${atLine(d.line)}: ${d.problem} Correct it there.`,
  serverInvalid: (d) => `Server "${d.server}" is not set up correctly (servers file${atLine(d.line)}): ${d.problem} Correct it there.`,
  serverUnknown: (d) =>
    `There is no server "${d.server}" in the servers file.${d.known.length > 0 ? ` Known: ${list(d.known)}.` : ' It names no servers.'} Add it with "MCP Secrets: Add Server" or "mcp-secrets server add".`,
  serverNameInvalid: (d) =>
    `"${d.server}" cannot be the name of a server. Use 1 to 64 letters, digits, ".", "_" or "-", starting with a letter or digit.`,
  serverUnapproved: (d) =>
    `Server "${d.server}" is not approved in this workspace, or its plan has changed. Nothing was started or contacted. Review and approve it with "MCP Secrets: Approve Server" or "mcp-secrets server approve ${d.server}".`,
  serverStopped: (d) => `Server "${d.server}" was stopped. Start it with "MCP Secrets: Start Server".`,
  secretUnsendable: (d) =>
    `The secret ${d.name} cannot be sent to server "${d.server}" as ${d.mode}: ${d.why}. Set another value or choose another mode.`,

  hostRefused: () => 'The Host header does not name this proxy. Connect to the address that MCP Secrets gave you.',
  originRefused: () => 'Requests from web pages are refused.',
  tokenMissing: () =>
    'No agent token was sent. Send the header "Authorization: Bearer <token>"; "MCP Secrets: Copy MCP Configuration" gives a new one.',
  tokenWrong: () => 'The agent token is not valid (any more). Get a new one with "MCP Secrets: Copy MCP Configuration".',
  notFound: () => `There is nothing here. Servers are at /mcp/<server>.`,
  methodNotAllowed: (d) => `${d.method} is not possible here.`,
  contentType: () => 'A POST needs the header "Content-Type: application/json".',
  bodyTooLarge: (d) => `The message is larger than ${String(d.limit)} bytes. Send less at once.`,
  notJson: () => 'The message is not valid JSON.',
  notJsonRpc: (d) => `The message is not a JSON-RPC 2.0 message: ${d.why}.`,
  sessionUnknown: () => 'This session has ended or never existed. Initialize a new one.',
  sessionLimit: (d) => `Server "${d.server}" has ${String(d.limit)} open sessions already. End some, then try again.`,

  upstreamUnreachable: (d) =>
    `Server "${d.server}" cannot be reached at ${d.target} (${d.reason}). Check that it runs and that the address is right.`,
  upstreamTimeout: (d) =>
    `Server "${d.server}" sent nothing for ${String(d.seconds)} seconds, so the call was given up. Check the server, or raise the call timeout.`,
  upstreamNonsense: (d) =>
    `Server "${d.server}" answered with something that is not MCP (${d.what}). Check that its address or command is that of an MCP server.`,
  upstreamRefused: (d) =>
    `Server "${d.server}" refused access (HTTP ${String(d.status)}). Check ${some(d.secrets)}, and the way it is sent.`,
  upstreamStatus: (d) => `Server "${d.server}" answered with HTTP ${String(d.status)}. Check its address and its own log.`,
  upstreamRedirect: (d) =>
    `Server "${d.server}" redirects to another address. Credentials are not sent there. If you trust it, set that address in the servers file.`,
  upstreamTooLarge: (d) => `Server "${d.server}" sent a message larger than ${String(d.limit)} bytes. Ask for less at once.`,
  upstreamClosed: (d) =>
    `Server "${d.server}" closed the connection before it answered. Try again; if it happens again, check the server's own log.`,
  commandNotFound: (d) => `The command "${d.command}" of server "${d.server}" was not found. Install it or correct the servers file.`,
  commandFailed: (d) =>
    `The command "${d.command}" of server "${d.server}" could not be started (${d.reason}). Check that it may be run, and its working folder.`,
  childExited: (d) =>
    `Server "${d.server}" ended before it answered (${d.how}). Its own messages are in the MCP Secrets log. It starts again with the next call.`,

  auditBroken: (d) =>
    `The audit trail is not in order: entry ${String(d.seq)} ${auditProblems[d.problem]} (${d.file}). Nothing was changed. Keep a copy of the folder, and compare it with an earlier export or with what was streamed.`,
  outputExists: (d) => `${d.path} is there already. It was left as it is. Name another file with --output.`,

  listenFailed: (d) => `The proxy cannot listen on ${d.where} (${d.reason}). Choose another port or folder.`,
  streamInvalid: (d) =>
    `Audit entries cannot be streamed with these ${d.kind === 'otlp' ? 'OTLP' : 'syslog'} settings: ${d.why}. Correct the address or the file; the audit trail on this machine goes on.`,
  usage: (d) => `${d.problem} See "mcp-secrets --help".`,
  revealRefused: (d) => `The value of ${d.name} is printed only with --reveal.`,
  toolFailed: (d) => `The tool "${d.tool}" of server "${d.server}" failed: ${d.why}`,
};
