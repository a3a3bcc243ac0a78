import { isIP } from 'node:net';
import { SecretsError } from '../../shared/errors';

/** A syslog receiver. */
export interface SyslogTarget {
  readonly protocol: 'udp' | 'tcp' | 'tls';
  /** A name or an address; an IPv6 address is without brackets. */
  readonly host: string;
  readonly port: number;
  /** A PEM file with the certificates to trust, in place of the system's. For `tls`. */
  readonly ca?: string;
  /** The address for people, and the name of the spool. */
  readonly label: string;
}

/** An OTLP receiver of logs over HTTP. */
export interface OtlpTarget {
  readonly protocol: 'otlp';
  readonly url: URL;
  /** A file of mode 0600 with `Name: value` lines to send along: a token, for example. */
  readonly headersFile?: string;
  readonly ca?: string;
  readonly label: string;
}

/** Where entries are streamed to. */
export type StreamTarget = SyslogTarget | OtlpTarget;

/** What goes with an address. Paths of files. */
export interface TargetFiles {
  readonly headersFile?: string | undefined;
  readonly ca?: string | undefined;
}

const SYSLOG_PORTS = { 'udp:': 514, 'tcp:': 601, 'tls:': 6514 } as const;
const SYSLOG_USE = 'use udp://HOST:514, tcp://HOST:601 or tls://HOST:6514';
const OTLP_USE = 'use https://HOST:4318/v1/logs, or http:// for a receiver on this machine';

/** The syslog receiver at an address; the port may be left out. @throws SecretsError `streamInvalid`. */
export function parseSyslogTarget(text: string, { ca }: Pick<TargetFiles, 'ca'> = {}): SyslogTarget {
  const url = parseUrl(text, 'syslog', SYSLOG_USE);
  if (!isSyslog(url.protocol)) throw invalid('syslog', SYSLOG_USE);
  if (url.pathname !== '' && url.pathname !== '/') throw invalid('syslog', 'there is nothing to say after the port');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 0 && !/^[A-Za-z0-9._-]{1,253}$/.test(host)) throw invalid('syslog', SYSLOG_USE);
  const port = url.port === '' ? SYSLOG_PORTS[url.protocol] : Number(url.port);
  if (port === 0) throw invalid('syslog', SYSLOG_USE);
  const protocol = url.protocol === 'udp:' ? 'udp' : url.protocol === 'tcp:' ? 'tcp' : 'tls';
  const label = `${protocol}://${url.hostname.toLowerCase()}:${String(port)}`;
  return { protocol, host, port, label, ...(ca === undefined ? {} : { ca }) };
}

/** The OTLP receiver at an address; the path may be left out. @throws SecretsError `streamInvalid`. */
export function parseOtlpTarget(text: string, { headersFile, ca }: TargetFiles = {}): OtlpTarget {
  const url = parseUrl(text, 'otlp', OTLP_USE);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('otlp', OTLP_USE);
  if (url.protocol === 'http:' && headersFile !== undefined && !isThisMachine(url.hostname))
    throw invalid('otlp', 'headers go to another machine over https:// only');
  if (url.pathname === '/') url.pathname = '/v1/logs';
  return {
    protocol: 'otlp',
    url,
    label: url.href,
    ...(headersFile === undefined ? {} : { headersFile }),
    ...(ca === undefined ? {} : { ca }),
  };
}

/** An address is written into settings, logs and process lists: it has no place for a credential, and is not repeated here. */
function parseUrl(text: string, kind: 'syslog' | 'otlp', use: string): URL {
  if (!URL.canParse(text)) throw invalid(kind, use);
  const url = new URL(text);
  if (url.hostname === '') throw invalid(kind, use);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalid(kind, 'credentials and parameters do not belong in it; a headers file can hold a token');
  return url;
}

function isSyslog(protocol: string): protocol is keyof typeof SYSLOG_PORTS {
  return Object.hasOwn(SYSLOG_PORTS, protocol);
}

function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function invalid(kind: 'syslog' | 'otlp', why: string): SecretsError {
  return new SecretsError('streamInvalid', { kind, why });
}
