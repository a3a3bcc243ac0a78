import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sender } from './delivery';
import { DeliveryError } from './delivery';
import { formatSyslog } from './rfc5424';
import type { SyslogTarget } from './target';

/** What every receiver should take (RFC 5426, 3.2). */
const MAX_BYTES = 2048;
/** So many at once, then a breath: nothing else keeps a burst from flooding the receiver's buffer (RFC 5426, 4.3). */
const BURST = 16;
const BREATH_MS = 2;
/** The system's "nobody listens there" comes a moment after what was sent. */
const OBJECTION_MS = 100;

/**
 * Sends syslog messages over UDP, one a datagram (RFC 5426). UDP has no acknowledgement: messages count as delivered
 * once they are on their way, unless the system says at once that nobody listens. Use TCP or TLS where every entry matters.
 */
export function udpSender({ host, port }: SyslogTarget): Sender {
  return {
    send: async (records, signal) => {
      const { address, family } = await lookup(host);
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
      let objection: unknown;
      socket.on('error', (error) => (objection ??= error));
      /** Waits, then sees whether all is well. */
      const wait = async (ms: number): Promise<void> => {
        await sleep(ms, undefined, { signal });
        if (objection !== undefined) throw DeliveryError.of(objection);
      };
      try {
        // A connected socket hears of it when nobody listens.
        socket.connect(port, address);
        await once(socket, 'connect', { signal });
        for (const [index, record] of records.entries()) {
          await sendOne(socket, formatSyslog(record, MAX_BYTES));
          if (index % BURST === BURST - 1) await wait(BREATH_MS);
        }
        await wait(OBJECTION_MS);
      } finally {
        socket.close();
      }
      return undefined;
    },
  };
}

function sendOne(socket: Socket, message: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(message, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
