/** The help text. */
export const HELP = `mcp-secrets: credentials for MCP servers, encrypted, each for its own servers only

  mcp-secrets secret set NAME [--expires 90d] [--rotate-every 30d]
                                                 value from standard input, or a hidden prompt on a terminal
  mcp-secrets secret list [--json]               names and metadata, never values; of all scopes without --scope
  mcp-secrets secret get NAME --reveal           prints the value; recorded in the audit file
  mcp-secrets secret delete NAME                 with all its versions
  mcp-secrets secret expire NAME [--expires 90d|2027-01-31|never] [--rotate-every 30d|never]
  mcp-secrets secret versions NAME [--json]      the last 10 values stay sealed
  mcp-secrets secret rollback NAME [--to N]      an earlier value becomes the current one again, as a new version
  mcp-secrets secret prune NAME [--number N]     destroys earlier versions: all, or one
                                                 all of these: [--scope S], default "workspace" but for "list"; the
                                                 scope "user" is shared by all workspaces
  mcp-secrets scope list [--json]
  mcp-secrets scope delete SCOPE --yes           deletes all its secrets

  mcp-secrets server add NAME --url URL [--secret NAME[=MODE]]... [--scope S]
  mcp-secrets server add NAME [--secret NAME[=MODE]]... [--scope S] -- command args...
  mcp-secrets server update NAME [--url URL] [--secret NAME[=MODE]]... [--scope S]
                                                 what is not given stays; --secret replaces all its bindings, with
                                                 their header names, templates and tools
  mcp-secrets server scope NAME SCOPE            gives it the secrets of another scope, at once
  mcp-secrets server list [--json]
  mcp-secrets server remove NAME
  mcp-secrets server approve NAME                shows the plan and approves it

  mcp-secrets agent add NAME [--server S]... [--expires 90d] [--json]
                                                 prints a token, once; a known agent keeps the others that it has,
                                                 and --server replaces the servers that it may use
  mcp-secrets agent list [--json]                tokens by their ids, when they expire and were last used
  mcp-secrets agent revoke NAME [--token ID]     ends all its tokens, or one, and what it has open
  mcp-secrets agent allow NAME --server S... | --all   the servers that it may use

  mcp-secrets tools SERVER [--json]              its tools: accepted, or blocked since they are new, changed or suspicious
  mcp-secrets tools review SERVER                how what it offers differs from what was accepted
  mcp-secrets tools accept SERVER [TOOL]...      accepts what waits, and shows what that is

  mcp-secrets key rotate                         seals everything under a new key and destroys the old one
  mcp-secrets key protect                        seals the key file under a passphrase, or under another one
  mcp-secrets key unprotect                      writes the key file without a passphrase

  mcp-secrets backup create FILE [--recipient age1...]... [--passphrase-file F] [--with-user] [--force]
                                                 one encrypted age file; asks for a passphrase, unless told otherwise
  mcp-secrets backup restore FILE [--identity F | --passphrase-file F] [--dry-run] [--only [SCOPE/]NAME]...
                                  [--include-older] [--servers] [--json]
                                                 shows what is in it, then takes over what is new or newer

  mcp-secrets lock | unlock                      nothing is opened or called while it is locked
  mcp-secrets panic                              lock; also ends calls and servers, and agents need new tokens
  mcp-secrets vault check                        whether every version of every secret opens
  mcp-secrets vault recover [--scope user]       makes a vault usable again that was changed from outside
  mcp-secrets vault fresh [--scope user] --yes   moves a vault that cannot be opened aside, so that a new one can begin
  mcp-secrets vault destroy --yes                destroys all secrets of the workspace, also those that "vault fresh" has
                                                 moved aside, and their key, unless another vault needs it or
                                                 MCP_SECRETS_KEY_FILE names its file

  mcp-secrets audit tail [--limit N] [--follow] [FILTER]... [--json]   who used or changed what, newest last
  mcp-secrets audit verify [--json]              whether every entry is there, in order and unchanged
  mcp-secrets audit export --format jsonl|csv|cef [--output FILE] [FILTER]...
                                                 FILTER: --agent A, --server S, --secret NAME, --action A,
                                                 --outcome ok|error|refused, --since 7d or a date

  mcp-secrets serve [--port N] [--search]        prints {"url","socket","token","pid"} and serves until stopped; a server is at
                                                 URL/mcp/NAME, all together are at URL/mcp
                                                 while another program has port N, another port takes its place
                                                 (see "url"), and N is served, too, once it is free
  mcp-secrets explain SERVER [TOOL] [--args JSON] [--agent A] [--expired P] [--new-tools P] [--json]
                                                 what the server would receive, and why a call would be refused;
                                                 opens and contacts nothing
  mcp-secrets policy allow SERVER TOOL [--agent A]   calls that the policy asks about are made without asking
  mcp-secrets policy list [--json]
  mcp-secrets policy revoke SERVER [TOOL] [--agent A]

  mcp-secrets call SERVER TOOL [--args JSON] [--json]   one tool call through the proxy

MODE is header (default for --url), bearer, body, or env (default for commands).

  --workspace DIR   the workspace (default: the current folder); its servers are in .vscode/mcp-secrets.json
  --search          serve: at /mcp, three tools to find, describe and call the others in place of all
  --expired P       serve, call, explain: "refuse" calls that need an expired secret, or "warn" (default)
  --new-tools P     serve, call, explain: "ask" (default) hides tools that a server did not have at first until they are
                    accepted, "allow" accepts them, "deny" hides them and raises no alert
  --outbound-guard M   serve, call: "refuse" messages that hold a secret's value (default), "warn" or "off"
  --timeout S       serve, call: seconds that a server may send nothing while a call waits, 1 to 86400 (default: 120)
  --syslog URL      serve: streams the audit entries to udp://HOST:514, tcp://HOST:601 or tls://HOST:6514
  --otlp URL        serve: streams them as OTLP logs to https://HOST:4318/v1/logs
  --otlp-headers-file F   a file (0600) with "Name: value" lines to send along, such as a token
  --help, --version

A value from standard input loses one line break at its end. Exit code: 0 done, 1 refused or failed, 2 wrong usage.
State is kept in MCP_SECRETS_HOME (default ~/.mcp-secrets), the key in "key" there or in the file that
MCP_SECRETS_KEY_FILE names. Make backups: without the key the secrets are lost. The passphrase of a protected key is
read from the file (0600, or /dev/fd/N) that MCP_SECRETS_PASSPHRASE_FILE names, else it is asked for on a terminal; "key
protect" takes one that is to replace it from the file that MCP_SECRETS_NEW_PASSPHRASE_FILE names.
All commands stream to the receivers that MCP_SECRETS_SYSLOG, MCP_SECRETS_OTLP and MCP_SECRETS_OTLP_HEADERS_FILE name.
What cannot be delivered waits in "spool" there for the next command that streams to the same receiver.
`;
