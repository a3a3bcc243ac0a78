import type { Readable } from 'node:stream';
import { SecretsError } from '../../shared/errors';
import type { Call } from '../call';
import type { Exposure } from '../exposure';
import type { Injection } from '../injector';
import type { Redactor } from '../interceptors/redactor';
import { errorAnswer, isResponse, parseMessage } from '../jsonRpc';
import type { Pipeline } from '../pipeline';
import type { Visit } from '../visit';
import { MAX_MESSAGE_BYTES } from './body';
import { failure } from './request';
import { SseSplitter, withData } from './sse';
import type { SseEvent } from './sse';

/** Passes event streams of upstreams on to agents. */
export class EventRelay {
  readonly #pipeline: Pipeline;
  /** The open streams by server, each with what is searched for in it. Those of one session share that. */
  readonly #streams = new Map<string, Set<{ readonly exposure: Exposure }>>();

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  /** A server was given values: from now on its open streams are searched for them, too. */
  exposed(server: string, injection: Injection): void {
    for (const { exposure } of this.#streams.get(server) ?? []) exposure.add(injection);
  }

  /** Passes a stream on, event by event, until it ends. Calls that it leaves without an answer are answered with an error. */
  async relay(body: Readable, visit: Visit, calls: readonly Call[], exposure: Exposure): Promise<void> {
    const pipeline = this.#pipeline;
    const waiting = new Map(calls.map((call) => [call.id, call]));
    const splitter = new SseSplitter();
    const close = this.#openStream(visit.server.name, exposure);
    let resumable = false;
    let problem: unknown = new SecretsError('upstreamClosed', { server: visit.server.name });
    body.setEncoding('utf8');
    try {
      for await (const chunk of body as AsyncIterable<string>) {
        for (const event of splitter.push(chunk)) {
          resumable ||= event.id !== undefined;
          await this.#relayEvent(event, visit, waiting, exposure.redactor);
        }
        if (splitter.pending > MAX_MESSAGE_BYTES)
          throw new SecretsError('upstreamTooLarge', { server: visit.server.name, limit: MAX_MESSAGE_BYTES });
      }
    } catch (error) {
      problem = failure(error, { server: visit.server.name }, undefined);
      resumable = false;
    } finally {
      close();
    }
    for (const call of waiting.values()) {
      if (visit.reply.ended) pipeline.abandoned(call);
      else pipeline.failed(call, problem);
      // A stream with ids may end early: the agent takes it up again with Last-Event-ID (2025-11-25, transports).
      if (!resumable) visit.reply.event(errorAnswer(call.id, problem));
    }
    visit.reply.end();
  }

  /** Returns the means to close it. */
  #openStream(server: string, exposure: Exposure): () => void {
    const stream = { exposure };
    const open = this.#streams.get(server) ?? new Set();
    this.#streams.set(server, open.add(stream));
    return () => {
      open.delete(stream);
      if (open.size === 0) this.#streams.delete(server);
    };
  }

  async #relayEvent(event: SseEvent, visit: Visit, waiting: Map<string | number, Call>, redactor: Redactor): Promise<void> {
    const { reply } = visit;
    let data = event.data;
    if (data !== undefined && data !== '') {
      const message = parseMessage(data);
      const call = message !== undefined && isResponse(message) ? waiting.get(message.id) : undefined;
      data = await this.#pipeline.outgoing(data, { server: visit.server, redactor, message, call });
      if (call !== undefined && message !== undefined) {
        waiting.delete(call.id);
        this.#pipeline.answered(call, message);
      }
    }
    const text = `${withData(event, data, (line) => redactor.text(line))}\n\n`;
    if (reply.raw(text) || reply.ended) return;
    await new Promise<void>((resolve) => {
      reply.onDrain(resolve);
      reply.onClosed(resolve);
    });
  }
}
