import { firstLine } from './children';
import type { Child, Children } from './children';
import { startHttp, startStdio } from './ours';
import { startMcpProxy, startMcpProxyHttp, startSupergateway } from './peers';
import type { Endpoint } from './session';
import type { Programs, TemporaryFolders } from './workplace';

/**
 * What is measured, in the order of the table. All clients speak Streamable HTTP and use one session each; all
 * upstreams are the same echo server, one HTTP process shared by all, or a stdio child of each proxy's own.
 *
 * Both peers' command lines only take stdio upstreams in this direction: `stdio` is compared with them like for
 * like. `mcp-proxy-http` is what mcp-proxy's library makes of an HTTP upstream; it is slower than its stdio
 * mode, so that `http` is compared with the best of all peer rows, which is the harder comparison.
 */
export const contestantNames = ['direct', 'floor', 'http', 'stdio', 'mcp-proxy-http', 'mcp-proxy', 'supergateway'] as const;

/** A contestant's name on the command line and in machine-readable output. */
export type ContestantName = (typeof contestantNames)[number];

/** What each contestant is, in one line of the table. */
export const titles: Readonly<Record<ContestantName, string>> = {
  direct: 'direct (http)',
  floor: 'floor (http, copies bytes)',
  http: 'mcp-secrets http',
  stdio: 'mcp-secrets stdio',
  'mcp-proxy-http': 'mcp-proxy http (library)',
  'mcp-proxy': 'mcp-proxy stdio',
  supergateway: 'supergateway stdio',
};

/** Those that need a build of this project. */
export const ours: readonly ContestantName[] = ['http', 'stdio'];

/** Those that need the peers installed. */
export const peers: readonly ContestantName[] = ['mcp-proxy-http', 'mcp-proxy', 'supergateway'];

/** A contestant that is up. `child` is the proxy's own process; a direct connection has none. */
export interface Running {
  readonly endpoint: Endpoint;
  readonly child?: Child;
  readonly readyMilliseconds?: number;
  readonly bareMilliseconds?: number;
  readonly injected?: Readonly<Record<string, number>>;
}

/** What contestants are started with. */
export interface Stage {
  readonly children: Children;
  readonly folders: TemporaryFolders;
  readonly programs: Programs;
  /** The HTTP echo upstream that all HTTP contestants share. */
  readonly upstreamUrl: string;
}

/** Starts the HTTP echo upstream and gives its URL. */
export async function startUpstream(children: Children, programs: Programs): Promise<string> {
  return urlFrom(await firstLine(children.start([programs.echoServer, '--exit-with-stdin'])));
}

/** Starts a contestant; resolves once it can be called. */
export async function start(name: ContestantName, stage: Stage): Promise<Running> {
  const { children, folders, programs, upstreamUrl } = stage;
  const stdioUpstream = [programs.echoServer, '--stdio'];
  switch (name) {
    case 'direct':
      return { endpoint: { url: upstreamUrl, headers: {} } };
    case 'floor': {
      const child = children.start([programs.floor, upstreamUrl]);
      return { child, endpoint: { url: urlFrom(await firstLine(child)), headers: {} } };
    }
    case 'http':
      return startHttp(children, folders, upstreamUrl);
    case 'stdio':
      return startStdio(children, folders, stdioUpstream);
    case 'mcp-proxy-http':
      return startMcpProxyHttp(children, programs.mcpProxyHttp, upstreamUrl);
    case 'mcp-proxy':
      return startMcpProxy(children, stdioUpstream);
    case 'supergateway':
      return startSupergateway(children, stdioUpstream);
  }
}

function urlFrom(line: string): string {
  return (JSON.parse(line) as { url: string }).url;
}
