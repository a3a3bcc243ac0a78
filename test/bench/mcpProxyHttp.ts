/**
 * The peer mcp-proxy in front of an HTTP upstream. Its command line only takes stdio upstreams; this is the
 * wiring of its command line (src/bin/mcp-proxy.ts, 6.7.19) done through its documented library, with the
 * HTTP client transport in place of the stdio one.
 *
 *     node mcpProxyHttp.mjs URL PORT    built into .bench/build, so that it finds .bench/node_modules
 */

/** What this file uses of the peer's libraries, which are no dependencies of this project. */
interface McpProxyLibrary {
  proxyServer: (options: { client: Client; server: unknown; serverCapabilities: unknown }) => Promise<void>;
  startHTTPServer: (options: {
    createServer: () => Promise<unknown>;
    eventStore: false;
    host: string;
    modern: false;
    port: number;
    sseEndpoint: null;
    streamEndpoint: string;
  }) => Promise<unknown>;
}
interface Client {
  connect(transport: unknown): Promise<void>;
  getServerVersion(): unknown;
  getServerCapabilities(): unknown;
}
interface ClientLibrary {
  Client: new (info: { name: string; version: string }, options: { capabilities: object }) => Client;
  StreamableHTTPClientTransport: new (url: URL) => unknown;
}
interface ServerLibrary {
  Server: new (info: unknown, options: { capabilities: unknown }) => unknown;
}

/** Imports by a name the compiler does not see: the package exists only in `.bench/node_modules`. */
async function load(name: string): Promise<unknown> {
  return (await import(name)) as unknown;
}

async function main(): Promise<void> {
  const [url = '', port = ''] = process.argv.slice(2);
  const { proxyServer, startHTTPServer } = (await load('mcp-proxy')) as McpProxyLibrary;
  const { Client, StreamableHTTPClientTransport } = (await load('@modelcontextprotocol/client')) as ClientLibrary;
  const { Server } = (await load('@modelcontextprotocol/server')) as ServerLibrary;

  const client = new Client({ name: 'mcp-proxy', version: '1.0.0' }, { capabilities: {} });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await startHTTPServer({
    createServer: async () => {
      const serverCapabilities = client.getServerCapabilities();
      const server = new Server(client.getServerVersion(), { capabilities: serverCapabilities });
      await proxyServer({ client, server, serverCapabilities });
      return server;
    },
    eventStore: false,
    host: '127.0.0.1',
    modern: false,
    port: Number(port),
    sseEndpoint: null,
    streamEndpoint: '/mcp',
  });
}

process.stdin.resume().on('end', () => process.exit(0));
main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
