import type { Clock } from '../../shared/clock';
import type { Logger } from '../../shared/logger';
import type { AuditEntry } from '../entry';
import { AuditStream } from './auditStream';
import type { StreamStatus } from './auditStream';
import { connectionSender } from './connectionSender';
import type { Sender } from './delivery';
import { readHeaders } from './headersFile';
import { otlpSender } from './otlpSender';
import { SpoolFolder } from './spoolFolder';
import type { StreamTarget } from './target';
import { udpSender } from './udpSender';

/** What a buffer on disk may take, per receiver and process. */
const MAX_SPOOL_BYTES = 50 * 1024 * 1024;

/** What streams need. */
export interface StreamsOptions {
  readonly targets: readonly StreamTarget[];
  /** The folder for what waits; made (0700) when something does. */
  readonly spoolFolder: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** How much may wait on disk per receiver, in bytes; the oldest is dropped when it is full. Default: 50 MiB. */
  readonly maxSpoolBytes?: number;
}

/** The audit entries on their way to other machines. */
export interface AuditStreams {
  /** Sends an entry everywhere. Never throws, and waits for nobody. */
  push(entry: AuditEntry): void;
  /** Delivers what it can in at most 2 s. The rest stays on disk, for the next process that streams to the same receiver. */
  close(): Promise<void>;
  status(): StreamStatus[];
}

/**
 * Streams entries to receivers, at least once each, buffered on disk while a receiver is away or when this process dies.
 * What earlier processes could not deliver is delivered by this one. @throws SecretsError `streamInvalid`, `tooOpen` for
 * a headers file that cannot be used.
 */
export function createAuditStreams(options: StreamsOptions): AuditStreams {
  const { targets, spoolFolder, logger, clock, maxSpoolBytes = MAX_SPOOL_BYTES } = options;
  const senders = targets.map((target) => ({ label: target.label, sender: senderFor(target, clock) }));
  const streams = senders.map(
    ({ label, sender }) => new AuditStream(label, sender, (drop) => new SpoolFolder(spoolFolder, label, maxSpoolBytes, drop), logger),
  );
  return {
    push: (entry) => {
      for (const stream of streams) stream.push(entry);
    },
    close: async () => {
      await Promise.all(streams.map((stream) => stream.close()));
    },
    status: () => streams.map((stream) => stream.status()),
  };
}

function senderFor(target: StreamTarget, clock: Clock): Sender {
  switch (target.protocol) {
    case 'udp':
      return udpSender(target);
    case 'tcp':
    case 'tls':
      return connectionSender(target);
    case 'otlp':
      // Wrong now is better than wrong in the background.
      if (target.headersFile !== undefined) readHeaders(target.headersFile);
      return otlpSender(target, clock);
  }
}
