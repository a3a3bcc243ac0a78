/** The variable in which an agent finds a `ProxyAccess`, as JSON. */
export const proxyVariable = 'CONFORMANCE_PROXY';

/** What an agent needs to have a server behind a proxy that runs, and to get there. */
export interface ProxyAccess {
  /** The command line, and the folder and environment to run it in. */
  readonly cli: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the servers file is to say of the era of the server: many of the suite's servers speak both. */
  readonly protocol?: string;
  /** Of the proxy. */
  readonly url: string;
  readonly token: string;
}
