import * as vscode from 'vscode';
import type { AuditEntry } from '../audit/entry';
import { createAuditStreams } from '../audit/stream/auditStreams';
import type { AuditStreams } from '../audit/stream/auditStreams';
import { parseOtlpTarget, parseSyslogTarget } from '../audit/stream/target';
import type { StreamTarget } from '../audit/stream/target';
import { systemClock } from '../shared/clock';
import type { Logger } from '../shared/logger';

/** Where entries are to go, as the settings have it; empty: nowhere. */
interface Wanted {
  readonly syslog: string;
  readonly otlp: string;
  readonly otlpHeadersFile: string;
}

/** What the streams of a window are made from. */
export interface StreamingParts {
  /** The folder for what waits to be delivered. */
  readonly spoolFolder: string;
  readonly logger: Logger;
  /** Hears why a setting cannot be used. */
  readonly onProblem: (error: unknown) => void;
}

/**
 * Streams audit entries to where the settings say, which only the user can set: a workspace has no say in it. Follows the
 * settings; one that cannot be used does not keep the others from working. Opens nothing before `start` or the first entry.
 */
export class AuditStreaming implements vscode.Disposable {
  readonly #parts: StreamingParts;
  readonly #listener: vscode.Disposable;
  #open: { readonly wanted: string; readonly streams: readonly AuditStreams[] } | undefined;
  #closing: Promise<unknown>[] = [];
  #closed = false;

  constructor(parts: StreamingParts) {
    this.#parts = parts;
    this.#listener = vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('mcpSecrets.audit')) this.#follow();
    });
  }

  /** Delivers what an earlier window could not, from now on. */
  start(): void {
    if (this.#open === undefined) this.#follow();
  }

  /** Sends an entry everywhere. Never throws, and waits for nobody. */
  push(entry: AuditEntry): void {
    this.start();
    for (const stream of this.#open?.streams ?? []) stream.push(entry);
  }

  /** Delivers what it can in at most 2 s; what is left waits on disk for the next window. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#closeStreams();
    await Promise.all(this.#closing);
  }

  dispose(): void {
    this.#listener.dispose();
    void this.close();
  }

  /** Makes the streams anew, if the settings say something else than they did. */
  #follow(): void {
    if (this.#closed) return;
    const settings = wantedBySettings();
    const wanted = JSON.stringify(settings);
    if (this.#open?.wanted === wanted) return;
    this.#closeStreams();
    this.#open = { wanted, streams: targetsOf(settings).flatMap((target) => this.#create(target)) };
  }

  #create(target: () => StreamTarget): AuditStreams[] {
    const { spoolFolder, logger, onProblem } = this.#parts;
    try {
      return [createAuditStreams({ targets: [target()], spoolFolder, logger, clock: systemClock })];
    } catch (error) {
      onProblem(error);
      return [];
    }
  }

  #closeStreams(): void {
    this.#closing.push(...(this.#open?.streams ?? []).map((stream) => stream.close()));
    this.#open = undefined;
  }
}

function wantedBySettings(): Wanted {
  const settings = vscode.workspace.getConfiguration('mcpSecrets.audit');
  const text = (name: keyof Wanted): string => settings.get(name, '').trim();
  return { syslog: text('syslog'), otlp: text('otlp'), otlpHeadersFile: text('otlpHeadersFile') };
}

function targetsOf({ syslog, otlp, otlpHeadersFile }: Wanted): (() => StreamTarget)[] {
  return [
    ...(syslog === '' ? [] : [() => parseSyslogTarget(syslog)]),
    ...(otlp === '' ? [] : [() => parseOtlpTarget(otlp, { headersFile: otlpHeadersFile === '' ? undefined : otlpHeadersFile })]),
  ];
}
