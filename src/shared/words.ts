import { visible } from './visible';

type Nothing = Readonly<Record<string, never>>;

/** What each kind of error needs to know to be put into words. Names, paths and numbers; never values. */
export interface ErrorDetails {
  // vault
  nameInvalid: { name: string };
  valueEmpty: { name: string };
  valueTooLarge: { name: string; bytes: number; limit: number };
  secretMissing: { names: readonly string[]; server?: string; scope?: string };
  secretUnreadable: { name: string };
  vaultDamaged: { what: string; scope?: string };
  vaultUnrecoverable: { scope?: string };
  vaultNewer: { format: number; known: number };
  keyLost: { scope?: string };
  keyNeeded: { path: string; folders: readonly string[] };
  keyInvalid: { path: string; why: string };
  keyNotKept: { reason: string; scope?: string };
  versionMissing: { name: string; version: number; scope?: string };
  nothingToRollBack: { name: string };
  scopeInvalid: { scope: string };
  scopeMissing: { scope: string };
  scopeOther: { secret: string; server: string; scope: string };
  secretExpired: { name: string; server: string; at: string };
  vaultOlder: { generation: number; expected: number; scope?: string };
  vaultAltered: { what: string; scope?: string };
  rotationIncomplete: { done: number; failed: readonly string[] };
  vaultIsFine: { scope?: string };
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
  serversFileUnopened: { path: string };
  serverInvalid: { server: string; line: number; problem: string };
  serverUnknown: { server: string; known: readonly string[] };
  serverNameInvalid: { server: string };
  serverExists: { server: string };
  serverUnapproved: { server: string };
  serverStopped: { server: string };
  secretUnsendable: { name: string; server: string; mode: string; why: string };
  toolChanged: { server: string; tool: string };
  toolNew: { server: string; tool: string };
  toolFlagged: { server: string; tool: string; why: string };
  toolUnknown: { server: string; tool: string };
  toolsMoved: { server: string; names: readonly string[] };
  toolNotWaiting: { server: string; tool: string };
  pinsUnreadable: { path: string };
  // policy and outbound guard
  policyDenied: { server: string; tool: string; rule?: number; reason?: string };
  policyArguments: { server: string; tool: string; rule: number; why: string; reason?: string };
  toolNameUnclear: { server: string };
  callUnapproved: { server: string; tool: string; agent: string };
  callDeclined: { server: string; tool: string };
  callWithdrawn: { server: string; tool: string };
  callQueueFull: { server: string; tool: string };
  nothingAsks: { server: string; tool: string };
  secretInMessage: { name: string; scope?: string; server: string };
  // proxy, towards the agent
  hostRefused: Nothing;
  originRefused: Nothing;
  tokenMissing: Nothing;
  tokenWrong: Nothing;
  tokenExpired: { agent: string; at: number };
  serverNotForAgent: { agent: string; server: string };
  notFound: Nothing;
  methodNotAllowed: { method: string };
  contentType: Nothing;
  bodyTooLarge: { limit: number };
  notJson: Nothing;
  notJsonRpc: { why: string };
  sessionUnknown: Nothing;
  headerMismatch: { what: string };
  envelopeInvalid: Nothing;
  paramsInvalid: { what: string };
  methodUnknown: { method: string };
  versionUnsupported: { server: string; requested: string; supported: readonly string[] };
  capabilityMissing: { server: string; capability: string };
  notBridged: { server: string; what: string };
  sessionLimit: { server: string; limit: number };
  // proxy, towards the upstream
  handshakeFailed: { server: string; why: string };
  listFailed: { server: string; what: string; why: string };
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
  callTooLong: { server: string; seconds: number };
  serverBusy: { server: string; concurrency: number };
  rateLimited: { server: string; calls: number; perSeconds: number; seconds: number };
  serverResting: { server: string; failures: number; seconds: number; why: string };
  // audit trail
  auditBroken: {
    problem: 'edited' | 'missing' | 'reordered' | 'truncated' | 'torn' | 'unkeyed' | 'foreign';
    seq: number;
    file: string;
  };
  outputExists: { path: string };
  // agents and command line
  agentNameInvalid: { agent: string };
  agentUnknown: { agent: string; known: readonly string[] };
  tokenUnknown: { agent: string; token: string };
  listenFailed: { where: string; reason: string };
  streamInvalid: { kind: 'syslog' | 'otlp'; why: string };
  outputFailed: { reason: string };
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

const byRule = (rule: number | undefined): string => (rule === undefined ? 'its default' : `its rule ${String(rule)}`);
const because = (reason: string | undefined): string => (reason === undefined ? '' : `: "${reason}"`);
/** As it can be pasted into a shell. */
const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** Which vault an error is about, and the option that names it to the command line; `undefined`: that of the workspace. */
const ofScope = (scope: string | undefined): string => (scope === undefined ? '' : ` of the scope "${scope}"`);
const scopeOption = (scope: string | undefined): string => (scope === undefined ? '' : ` --scope ${scope}`);
const recover = (scope: string | undefined): string => `"MCP Secrets: Recover Vault" or "mcp-secrets vault recover${scopeOption(scope)}"`;
const startFresh = (scope: string | undefined): string =>
  `"MCP Secrets: Start Fresh" or "mcp-secrets vault fresh${scopeOption(scope)} --yes"`;

const review = (server: string): string => `with "MCP Secrets: Review Tools" or "mcp-secrets tools review ${server}"`;

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
    const option = scopeOption(d.scope);
    return d.names.length === 1
      ? `The secret ${list(d.names)}${bound} does not exist${where}. Add it with "MCP Secrets: Add Secret" or "mcp-secrets secret set ${list(d.names)}${option}".`
      : `The secrets ${list(d.names)}${bound} do not exist${where}. Add them with "MCP Secrets: Add Secret" or "mcp-secrets secret set NAME${option}".`;
  },
  secretUnreadable: (d) =>
    `The secret ${d.name} cannot be opened: its ciphertext was changed or belongs to another vault. It was left as it is. Set it again to use it.`,
  vaultDamaged: (d) =>
    `The stored vault${ofScope(d.scope)} cannot be read (${d.what}). It was left as it is. Go back to the state before its last change with ${recover(d.scope)}.`,
  vaultUnrecoverable: (d) =>
    `Neither the stored vault${ofScope(d.scope)} nor the state before its last change can be read. Nothing was changed. First move it aside with ${startFresh(d.scope)}, then restore a backup, or set the secrets again.`,
  vaultNewer: (d) =>
    `The stored vault has format ${String(d.format)}; this version knows formats up to ${String(d.known)}. Update MCP Secrets. Nothing was changed.`,
  keyLost: (d) =>
    `The key of ${d.scope === undefined ? 'this vault' : `the vault${ofScope(d.scope)}`} is gone, so its secrets cannot be opened. Put the key back if you have it. Else first move the vault aside with ${startFresh(d.scope)}, then restore a backup, or set the secrets again. (In a browser, if another window has just made the vault: reload this one.) The ciphertext was left as it is.`,
  keyNeeded: (d) =>
    `There is no key in ${d.path}, but there are vaults that were sealed under the one that was there, so no new one was made: ${list(d.folders)}. Put the key file back. If it is lost for good, run "mcp-secrets vault fresh --yes" in the workspace of each (for the folder "user": with --scope user), or move these folders away; then try again.`,
  keyInvalid: (d) => `The key in ${d.path} cannot be used: ${d.why}. Nothing was changed. Put the right key there.`,
  keyNotKept: (d) =>
    d.scope === undefined
      ? `VS Code could not keep the key of this vault in its secret storage (${d.reason}), so nothing was sealed under it. Set up a keyring for VS Code, or protect the key of this workspace by a passphrase instead: "MCP Secrets: Protect Key with Passphrase".`
      : `VS Code could not keep the key of the vault${ofScope(d.scope)} in its secret storage (${d.reason}), so nothing was sealed under it. Set up a keyring for VS Code: only the key of a workspace can be under a passphrase instead. Or keep the secret in another scope.`,
  versionMissing: (d) =>
    `${d.name} has no version ${String(d.version)} (any more). "mcp-secrets secret versions ${d.name}${scopeOption(d.scope)}" lists those it has.`,
  nothingToRollBack: (d) => `${d.name} has no earlier version to go back to. Set the value again.`,
  scopeInvalid: (d) =>
    `"${d.scope}" cannot be the name of a scope. Use 1 to 64 letters, digits, ".", "_" or "-", starting with a letter or digit.`,
  scopeMissing: (d) => `There are no secrets in the scope "${d.scope}". "mcp-secrets scope list" shows those that have some.`,
  scopeOther: (d) =>
    `Server "${d.server}" takes its secrets from the scope "${d.scope}" only, and ${d.secret} is in another one. Add a secret of this name there, or switch the server to the other scope.`,
  secretExpired: (d) =>
    `The secret ${d.name}, bound to server "${d.server}", expired on ${d.at} and is not used any more. Replace it with a new value, or change its expiry date.`,
  vaultOlder: (d) =>
    `The stored vault${ofScope(d.scope)} is an older one (generation ${String(d.generation)}; ${String(d.expected)} was the last): somebody put an earlier state back. Nothing was changed. If that was you, accept it with ${recover(d.scope)}.`,
  vaultAltered: (d) =>
    `The stored vault${ofScope(d.scope)} was changed from outside (${d.what}). Nothing was deleted. Accept what still proves itself, and hear what does not, with ${recover(d.scope)}.`,
  rotationIncomplete: (d) =>
    `The key was replaced in ${String(d.done)} vaults, and not in these, whose key was kept: ${d.failed.join(' ')} Then run "mcp-secrets key rotate" again.`,
  vaultIsFine: (d) =>
    `The vault${ofScope(d.scope)} can be opened, so there is no need for a new one. To get rid of its secrets, use ${d.scope === undefined ? '"MCP Secrets: Destroy All Secrets" or "mcp-secrets vault destroy"' : `"MCP Secrets: Delete Scope" or "mcp-secrets scope delete ${d.scope}"`}.`,
  secretsDamaged: (d) =>
    `These secrets cannot be opened; they were left as they are: ${list(d.named)}. Roll them back, set them again, or restore a backup.`,
  passphraseNeeded: () =>
    'The key of this vault is protected by a passphrase. Unlock it with "MCP Secrets: Unlock Vault"; on the command line, type it when asked, or name a file that holds it in MCP_SECRETS_PASSPHRASE_FILE.',
  passphraseWrong: () => 'The passphrase is not right. Nothing was changed. Try again.',
  tooOpen: (d) => `${d.path} can be read or written by others (mode ${d.mode}), so it is not used. Run "${d.fix}", then try again.`,
  backupUnreadable: (d) => `The backup cannot be read: ${d.why}. Nothing was changed. Try another copy.`,
  backupWrongKey: () => 'The backup does not open with this passphrase or identity. Nothing was changed. Try another one.',
  backupNewer: (d) =>
    `The backup has format ${String(d.format)}; this version knows formats up to ${String(d.known)}. Update MCP Secrets. Nothing was changed.`,
  backupFailed: (d) => `The backup could not be made: ${d.why}. Nothing was written. Change that, then try again.`,
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
  serversFileUnopened: (d) =>
    `${d.path} is there, but VS Code does not open it as text: it is binary, too large, or in use by another program. It was left as it is. Repair it or move it away, then try again.`,
  serverInvalid: (d) => `Server "${d.server}" is not set up correctly (servers file${atLine(d.line)}): ${d.problem} Correct it there.`,
  serverUnknown: (d) =>
    `There is no server "${d.server}" in the servers file.${d.known.length > 0 ? ` Known: ${list(d.known)}.` : ' It names no servers.'} Add it with "MCP Secrets: Add Server" or "mcp-secrets server add".`,
  serverNameInvalid: (d) =>
    `"${d.server}" cannot be the name of a server. Use 1 to 64 letters, digits, ".", "_" or "-", starting with a letter or digit.`,
  serverExists: (d) =>
    `There is a server "${d.server}" already. It was left as it is. Change it with "mcp-secrets server update ${d.server}", or take it away first with "mcp-secrets server remove ${d.server}".`,
  serverUnapproved: (d) =>
    `Server "${d.server}" is not approved in this workspace, or its plan has changed. Nothing was started or contacted. Review and approve it with "MCP Secrets: Approve Server" or "mcp-secrets server approve ${d.server}".`,
  serverStopped: (d) => `Server "${d.server}" was stopped. Start it with "MCP Secrets: Start Server".`,
  secretUnsendable: (d) =>
    `The secret ${d.name} cannot be sent to server "${d.server}" as ${d.mode}: ${d.why}. Set another value or choose another mode.`,

  policyDenied: (d) =>
    `The policy of server "${d.server}" does not allow the tool "${d.tool}" (${byRule(d.rule)})${because(d.reason)}. Nothing was sent. The user can change "policy" in the servers file.`,
  policyArguments: (d) =>
    `The policy of server "${d.server}" does not allow these arguments for the tool "${d.tool}" (${byRule(d.rule)})${because(d.reason)}: ${d.why} Nothing was sent. Change the arguments; the user can change "policy" in the servers file.`,
  toolNameUnclear: (d) =>
    `Server "${d.server}" has a policy, and this call names no tool in plain text (it is missing, very long, or has characters that cannot be seen). Nothing was sent. Give the name as the server lists it.`,
  callUnapproved: (d) =>
    `The tool "${d.tool}" of server "${d.server}" is called only with the user's consent, and nobody can be asked here. Nothing was sent. The user can allow it with "mcp-secrets policy allow ${d.server} ${shellWord(d.tool)} --agent ${shellWord(d.agent)}".`,
  callDeclined: (d) =>
    `The user did not allow this call of the tool "${d.tool}" of server "${d.server}". Nothing was sent. Ask the user before trying it again.`,
  callWithdrawn: (d) =>
    `The call of the tool "${d.tool}" of server "${d.server}" was cancelled before it was allowed. Nothing was sent. Call again if it is still wanted.`,
  callQueueFull: (d) =>
    `Too many calls wait for the user's consent, so this one of the tool "${d.tool}" of server "${d.server}" was not asked about. Nothing was sent. Wait for the answers.`,
  nothingAsks: (d) =>
    `The policy of server "${d.server}" asks about no call of the tool "${d.tool}", so there is nothing to allow. See "mcp-secrets explain ${d.server} ${shellWord(d.tool)}".`,
  secretInMessage: (d) =>
    `The message holds the value of the secret ${d.name}${d.scope === undefined ? '' : ` (scope "${d.scope}")`}, which agents do not send to servers: it was stopped before it left for server "${d.server}". Send it without the value. A server that needs a secret gets it by "secrets" in the servers file; the setting mcpSecrets.outboundGuard (serve --outbound-guard) can turn this off.`,

  toolChanged: (d) =>
    `The tool "${visible(d.tool)}" of server "${d.server}" is not what was accepted: the server has changed it. It is blocked until a person has seen the difference, ${review(d.server)}.`,
  toolNew: (d) =>
    `The tool "${visible(d.tool)}" of server "${d.server}" was not there when its tools were accepted. It is blocked until a person accepts it, ${review(d.server)}.`,
  toolFlagged: (d) =>
    `The tool "${visible(d.tool)}" of server "${d.server}" was not accepted: it ${d.why}. It is blocked until a person accepts it, ${review(d.server)}.`,
  toolUnknown: (d) =>
    `Unknown tool: ${visible(d.tool)}. Server "${d.server}" did not list it, so the call was not passed on. If the server has it by now, list its tools, then let a person accept it, ${review(d.server)}.`,
  toolsMoved: (d) =>
    `Server "${d.server}" offers something else by now than what was shown, or something too large to be shown, so this was not accepted: ${visible(list(d.names.slice(0, 10)))}. Review it again.`,
  toolNotWaiting: (d) =>
    `No tool "${visible(d.tool)}" of server "${d.server}" waits for a review. "mcp-secrets tools ${d.server}" lists its tools. Nothing was accepted.`,
  pinsUnreadable: (d) =>
    `The record of accepted tools cannot be read (${d.path}). It was left as it is, and no tool is passed on. Put an earlier copy of it back, or delete it to trust what the servers offer next.`,

  hostRefused: () => 'The Host header does not name this proxy. Connect to the address that MCP Secrets gave you.',
  originRefused: () => 'Requests from web pages are refused. Connect from a program that sends no Origin header.',
  tokenMissing: () =>
    'No agent token was sent. Send the header "Authorization: Bearer <token>"; "MCP Secrets: Copy MCP Configuration" or "mcp-secrets agent add NAME" gives a new one.',
  tokenWrong: () =>
    'The agent token is not valid (any more). Get a new one with "MCP Secrets: Copy MCP Configuration" or "mcp-secrets agent add NAME".',
  tokenExpired: (d) =>
    `This token of the agent "${d.agent}" expired on ${new Date(d.at).toISOString().slice(0, 10)}. Get a new one with "MCP Secrets: Copy MCP Configuration" or "mcp-secrets agent add".`,
  serverNotForAgent: (d) =>
    `The agent "${d.agent}" may not use server "${d.server}". Nothing was sent to it. The user can allow it with "MCP Secrets: Choose Agent's Servers" or "mcp-secrets agent allow".`,
  notFound: () => 'There is nothing here. Servers are at /mcp/<server>, and all together at /mcp.',
  methodNotAllowed: (d) => `${d.method} is not possible here. Use POST.`,
  contentType: () => 'A POST needs the header "Content-Type: application/json".',
  bodyTooLarge: (d) => `The message is larger than ${String(d.limit)} bytes. Send less at once.`,
  notJson: () => 'The message is not valid JSON. Send a JSON-RPC 2.0 message in UTF-8.',
  notJsonRpc: (d) => `The message is not a JSON-RPC 2.0 message: ${d.why}. Nothing was sent. Correct it, then send it again.`,
  headerMismatch: (d) => `The request was refused: ${d.what}. Headers have to say what the body says. Nothing was sent.`,
  envelopeInvalid: () =>
    'The request does not say who it is from. Since MCP 2026-07-28 each one needs protocolVersion and clientCapabilities of io.modelcontextprotocol in its "_meta". Nothing was sent.',
  paramsInvalid: (d) => `The request needs ${d.what} in its parameters. Add it.`,
  methodUnknown: (d) =>
    `There is no method "${visible(d.method.slice(0, 60))}" in MCP 2026-07-28. Use one that this revision has, or speak an earlier one.`,
  versionUnsupported: (d) =>
    `Server "${d.server}" cannot be used with revision ${visible(d.requested.slice(0, 20))} of MCP. Use one of: ${list(d.supported)}.`,
  capabilityMissing: (d) =>
    `Server "${d.server}" asks for ${d.capability} during this call, which the agent has not said that it can. The call was given up. Use an agent that can.`,
  notBridged: (d) =>
    `Server "${d.server}" and this agent speak different revisions of MCP, and what happened cannot be translated: ${d.what}. The call was given up. Use an agent that speaks the server's revision.`,
  sessionUnknown: () => 'This session has ended or never existed. Initialize a new one.',
  sessionLimit: (d) => `Server "${d.server}" has ${String(d.limit)} open sessions already. End some, then try again.`,

  handshakeFailed: (d) => `Server "${d.server}" is not available: ${d.why}`,
  listFailed: (d) => `Server "${d.server}" does not list its ${d.what}: ${d.why}`,
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
    `Server "${d.server}" redirects where it is not followed, so that credentials go nowhere else: only 307 and 308 within its own origin are, three times at most. Find out to which address it moved; if you trust that, set it as "url" in the servers file.`,
  upstreamTooLarge: (d) => `Server "${d.server}" sent a message larger than ${String(d.limit)} bytes. Ask for less at once.`,
  upstreamClosed: (d) =>
    `Server "${d.server}" closed the connection before it answered. Try again; if it happens again, check the server's own log.`,
  commandNotFound: (d) => `The command "${d.command}" of server "${d.server}" was not found. Install it or correct the servers file.`,
  commandFailed: (d) =>
    `The command "${d.command}" of server "${d.server}" could not be started (${d.reason}). Check that it may be run, and its working folder.`,
  childExited: (d) =>
    `Server "${d.server}" ended before it answered (${d.how}). Its own messages are in the MCP Secrets log (on the command line: on standard error). It starts again with the next call.`,
  callTooLong: (d) =>
    `The call to server "${d.server}" took longer than ${String(d.seconds)} seconds, so it was given up. Ask for less at once, or raise "maxCallTime" in its limits.`,
  serverBusy: (d) =>
    `Server "${d.server}" works on ${String(d.concurrency)} calls already, and this one got no turn: too many wait, or it waited too long. Try again later, or raise "concurrency" in its limits ("queue" lets more calls wait).`,
  rateLimited: (d) =>
    `Server "${d.server}" gets at most ${String(d.calls)} calls in ${String(d.perSeconds)} seconds. Try again in ${String(d.seconds)} seconds, or raise "rate" in its limits.`,
  serverResting: (d) =>
    `Server "${d.server}" failed ${String(d.failures)} times in a row and is left alone for now. It is tried again in ${String(d.seconds)} seconds, or at once by "MCP Secrets: Start Server". What it failed with: ${d.why}`,

  auditBroken: (d) =>
    `The audit trail is not in order: entry ${String(d.seq)} ${auditProblems[d.problem]} (${d.file}). Nothing was changed. Keep a copy of the folder, and compare it with an earlier export or with what was streamed.`,
  outputExists: (d) => `${d.path} is there already. It was left as it is. Name another file with --output.`,

  agentNameInvalid: (d) =>
    `"${d.agent.slice(0, 60)}" cannot be the name of an agent: it is one of the product's own, or has other characters than letters, digits, spaces and "._-()". Use another one, of up to 40 characters.`,
  agentUnknown: (d) =>
    `There is no agent "${d.agent.slice(0, 60)}".${d.known.length > 0 ? ` Known: ${list(d.known)}.` : ''} Give one access with "MCP Secrets: Add Agent" or "mcp-secrets agent add".`,
  tokenUnknown: (d) =>
    `The agent "${d.agent}" has no token ${d.token.slice(0, 60)}. "mcp-secrets agent list" shows those it has. Nothing was changed.`,
  listenFailed: (d) =>
    `The proxy cannot listen on ${d.where} (${d.reason}). If that is a port, give "mcp-secrets serve" another one with --port; if it is a file or folder, let XDG_RUNTIME_DIR name a folder of your own.`,
  streamInvalid: (d) =>
    `Audit entries cannot be streamed with these ${d.kind === 'otlp' ? 'OTLP' : 'syslog'} settings: ${d.why}. Correct the address or the file; the audit trail on this machine goes on.`,
  outputFailed: (d) =>
    `The result could not be written to standard output (${d.reason}). What the command was to do is done. Check the disk and the permissions.`,
  usage: (d) => `${d.problem} See "mcp-secrets --help".`,
  revealRefused: (d) => `The value of ${d.name} is printed only with --reveal.`,
  toolFailed: (d) => `The tool "${d.tool}" of server "${d.server}" failed: ${d.why}`,
};
