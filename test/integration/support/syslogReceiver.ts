import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Certificates } from './certificates';
import { until } from './eventually';
import { freePort } from './freePort';
import type { ReceivedEntry, Receiver } from './receiver';

/** A real rsyslogd, which takes the messages apart with its own parsers and writes down what it understood. */
export class SyslogReceiver implements Receiver {
  readonly url: string;
  readonly variable = 'MCP_SECRETS_SYSLOG';
  readonly #folder: string;
  readonly #port: number;
  readonly #protocol: 'udp' | 'tcp' | 'tls';
  #process: ChildProcess | undefined;
  #errors = '';

  private constructor(folder: string, protocol: 'udp' | 'tcp' | 'tls', port: number, certificates: Certificates | undefined) {
    this.#folder = folder;
    this.#protocol = protocol;
    this.#port = port;
    this.url = `${protocol}://${protocol === 'tls' ? 'localhost' : '127.0.0.1'}:${String(port)}`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'rsyslog.conf'), configuration(folder, protocol, port, certificates));
  }

  static async start(folder: string, protocol: 'udp' | 'tcp' | 'tls', certificates?: Certificates): Promise<SyslogReceiver> {
    for (let tries = 1; ; tries += 1) {
      const receiver = new SyslogReceiver(folder, protocol, await freePort(), certificates);
      try {
        await receiver.start();
        return receiver;
      } catch (error) {
        await receiver.stop();
        // Another program may have taken the port meanwhile.
        if (tries === 3) throw error;
      }
    }
  }

  /** Starts it again where it was. */
  async start(): Promise<void> {
    const files = ['-f', join(this.#folder, 'rsyslog.conf'), '-i', join(this.#folder, 'pid')];
    const child = spawn('rsyslogd', ['-n', ...files], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    child.on('error', (error) => (this.#errors += error.message));
    this.#process = child;
    await until(`rsyslogd listens ${this.#errors}`, () => {
      if (child.pid === undefined || child.exitCode !== null) throw new Error(`rsyslogd ended: ${this.#errors}`);
      if (/already in use/i.test(this.#errors)) throw new Error(this.#errors);
      return this.#listens();
    });
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await exited;
  }

  entries(): ReceivedEntry[] {
    const file = join(this.#folder, 'received');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => {
      const { time, data } = JSON.parse(line) as { time: string; data: { 'rfc5424-sd': { 'audit@32473': ReceivedEntry } } };
      return { ...data['rfc5424-sd']['audit@32473'], time };
    });
  }

  #listens(): Promise<boolean> | boolean {
    if (this.#protocol === 'udp') {
      const port = this.#port.toString(16).toUpperCase().padStart(4, '0');
      return readFileSync('/proc/net/udp', 'utf8').includes(`:${port} `);
    }
    return new Promise((resolve) => {
      const socket = connect(this.#port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => {
        resolve(false);
      });
    });
  }
}

function configuration(folder: string, protocol: 'udp' | 'tcp' | 'tls', port: number, certificates: Certificates | undefined): string {
  const at = `port="${String(port)}" address="127.0.0.1"`;
  const tls =
    certificates === undefined
      ? ''
      : `defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="${certificates.ca}"
         defaultNetstreamDriverCertFile="${certificates.certificate}" defaultNetstreamDriverKeyFile="${certificates.key}"`;
  const input = {
    udp: `module(load="imudp") input(type="imudp" ${at} rcvbufSize="1m")`,
    tcp: `module(load="imtcp") input(type="imtcp" ${at})`,
    tls: `module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon") input(type="imtcp" ${at})`,
  }[protocol];
  return `global(workDirectory="${folder}" maxMessageSize="64k" net.enableDNS="off" ${tls})
${input}
module(load="mmpstrucdata")
template(name="line" type="list") {
  constant(value="{\\"time\\":\\"") property(name="timereported" dateFormat="rfc3339")
  constant(value="\\",\\"data\\":") property(name="$!all-json") constant(value="}\\n")
}
if ($app-name == "mcp-secrets") then {
  action(type="mmpstrucdata" sd_name.lowercase="off")
  action(type="omfile" file="${join(folder, 'received')}" template="line")
}
`;
}
