/** The help text. */
export const HELP = `mcp-secrets: credentials for MCP servers, encrypted, each for its own servers only

  mcp-secrets secret set NAME [--scope S]        value from standard input, or a hidden prompt on a terminal
  mcp-secrets secret list [--json]               names and metadata, never values
  mcp-secrets secret get NAME --reveal           prints the value; recorded in the audit file
  mcp-secrets secret delete NAME

  mcp-secrets server add NAME --url URL [--secret NAME[=MODE]]...
  mcp-secrets server add NAME [--secret NAME[=MODE]]... -- command args...
  mcp-secrets server update NAME [--url URL] [--secret NAME[=MODE]]...   replaces its bindings
  mcp-secrets server list [--json]
  mcp-secrets server remove NAME
  mcp-secrets server approve NAME                shows the plan and approves it

  mcp-secrets serve [--port N]                   prints {"url","socket","token","pid"} and serves until stopped
  mcp-secrets call SERVER TOOL [--args JSON] [--json]   one tool call through the proxy

MODE is header (default for --url), bearer, body, or env (default for commands).

  --workspace DIR   the workspace (default: the current folder); its servers are in .vscode/mcp-secrets.json
  --timeout S       serve, call: seconds that a server may send nothing while a call waits (default: 120)
  --help, --version

A value from standard input loses one line break at its end. Exit code: 0 done, 1 refused or failed, 2 wrong usage.
State is kept in MCP_SECRETS_HOME (default ~/.mcp-secrets), the key in "key" there or in the file that
MCP_SECRETS_KEY_FILE names. Keep a copy of the key: without it the secrets are lost.
`;
