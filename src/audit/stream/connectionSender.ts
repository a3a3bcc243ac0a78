import { readFileSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { DeliveryError } from './delivery';
import type { Sender } from './delivery';
import { formatSyslog } from './rfc5424';
import type { SyslogTarget } from './target';

/** What receivers commonly take at most. */
const MAX_BYTES = 8192;
/** Between the last byte and the end of the connection: see `deliver`. */
const SETTLE_MS = 20;

/**
 * Sends syslog messages over TCP with octet counting (RFC 6587, 3.4.1) or TLS (RFC 5425): certificates are verified
 * against the host's name. Neither has an acknowledgement of its own. One that counts is made of the end of the
 * connection: each batch has a connection, and has arrived when the receiver closes it in answer to our end.
 */
export function connectionSender(target: SyslogTarget): Sender {
  return {
    send: async (records, signal) => {
      const frames = records.map((record) => {
        const message = formatSyslog(record, MAX_BYTES);
        return Buffer.concat([Buffer.from(`${String(message.length)} `), message]);
      });
      await deliver(target, Buffer.concat(frames), signal);
      return undefined;
    },
  };
}

/**
 * A receiver that dies while it still has bytes to read resets the connection, and one that dies before our end closes it
 * too early: both are failures. So that no byte is between the two machines when our end is sent, it waits a moment.
 */
function deliver(target: SyslogTarget, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: unknown;
    let ended = false;
    let answered = false;
    const socket = open(target, () => {
      socket.write(bytes, () => setTimeout(end, SETTLE_MS));
    });
    const end = (): void => {
      ended = true;
      socket.end();
    };
    const abort = (): void => void socket.destroy(new DeliveryError('no answer in time'));
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', (error) => (failure ??= error));
    // Nothing comes in syslog, but the end is only seen by who reads.
    socket.resume();
    socket.once('end', () => {
      answered = ended;
    });
    socket.once('close', () => {
      signal.removeEventListener('abort', abort);
      if (answered && failure === undefined) resolve();
      else reject(DeliveryError.of(failure ?? new DeliveryError('the connection was closed too early')));
    });
  });
}

function open({ protocol, host, port, ca }: SyslogTarget, ready: () => void): Socket {
  if (protocol !== 'tls') return connect({ host, port }, ready);
  const trust = ca === undefined ? {} : { ca: readFileSync(ca) };
  // A name is told to the server (SNI), an address cannot be.
  const name = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ host, port, minVersion: 'TLSv1.2', ...name, ...trust }, ready);
}
