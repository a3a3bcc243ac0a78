import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { isSecretsError, SecretsError } from '../../shared/errors';
import type { Logger } from '../../shared/logger';
import { Roster } from '../../shared/roster';
import { inTurns } from '../../shared/steps';
import type { Call } from '../call';
import type { Exposure } from '../exposure';
import type { Session } from '../front/sessions';
import type { Injection } from '../injector';
import type { Redactor } from '../interceptors/redactor';
import { errorAnswer, isRequest, isResponse, parseBatch } from '../jsonRpc';
import type { Message, RequestId } from '../jsonRpc';
import { LARGE, readMessage } from '../largeMessage';
import type { Pipeline } from '../pipeline';
import type { Visit } from '../visit';
import { Asking } from './asking';
import { replyLimit } from './body';
import { ParkedCalls } from './parked';
import { failure } from './request';
import { parseEvent, SseSplitter, withLines } from './sse';
import type { SseEvent } from './sse';

/** Passes event streams of upstreams on to agents. */
export class EventRelay {
  readonly #pipeline: Pipeline;
  readonly #patienceMs: () => number;
  readonly #logger: Logger;
  readonly #parked = new ParkedCalls();
  /** Which streams wait for their agents. */
  readonly asking = new Asking();
  /** The open streams, each with what is searched for in it. Those of one session share that. */
  readonly #streams = new Roster<{ readonly server: string; readonly exposure: Exposure }>();

  /** @param patienceMs how long an agent has to take up a stream that has ended early. */
  constructor(pipeline: Pipeline, patienceMs: () => number, logger: Logger) {
    this.#pipeline = pipeline;
    this.#patienceMs = patienceMs;
    this.#logger = logger;
  }

  /** A server was given values: from now on its open streams are searched for them, too. */
  exposed(server: string, injection: Injection): void {
    for (const stream of this.#streams) if (stream.server === server) stream.exposure.add(injection);
  }

  /** The agent takes a request back whose stream has ended before the answer. */
  cancelled(visit: Visit, id: RequestId): void {
    const call = this.#parked.of(visit, id);
    if (call === undefined) return;
    this.#parked.forget(visit, id);
    this.#pipeline.end(call, { outcome: 'error', errorKind: 'cancelled' });
  }

  /** A session has ended: its streams are not taken up again. */
  sessionEnded(session: Session): void {
    this.#parked.giveUp(session.id);
  }

  /** Passes a stream on, event by event, until it ends. Calls that it leaves without an answer are answered with an error. */
  async relay(body: Readable, visit: Visit, calls: readonly Call[], exposure: Exposure): Promise<void> {
    const waiting = new Map(calls.map((call) => [call.id, call]));
    const splitter = new SseSplitter();
    const close = this.#openStream(visit.server.name, exposure);
    const limit = replyLimit(visit.server);
    const measure = (length: number): void => {
      if (length > limit) throw new SecretsError('upstreamTooLarge', { server: visit.server.name, limit });
    };
    let resumable = false;
    let problem: unknown = new SecretsError('upstreamClosed', { server: visit.server.name });
    body.setEncoding('utf8');
    try {
      for await (const chunk of body as AsyncIterable<string>) {
        for (const raw of splitter.cut(chunk)) {
          if (raw.length > LARGE) await setImmediate();
          const event = parseEvent(raw);
          resumable ||= event.id !== undefined;
          measure(event.data?.length ?? 0);
          await this.#relayEvent(event, visit, waiting, exposure.redactor, calls.length === 0);
        }
        measure(splitter.pending);
      }
    } catch (error) {
      problem = failure(error, { server: visit.server.name }, undefined);
      resumable &&= isSecretsError(problem, 'upstreamClosed');
    } finally {
      close();
      this.asking.over(visit);
    }
    for (const call of waiting.values()) this.#unanswered(call, visit, resumable, problem);
    visit.reply.end();
  }

  /** The stream has ended before the answer. One with ids the agent can take up again (MCP 2025-11-25, Streamable HTTP, resumability). */
  #unanswered(call: Call, visit: Visit, resumable: boolean, problem: unknown): void {
    const gone = visit.reply.ended;
    const giveUp = (): void => {
      if (gone) this.#pipeline.abandoned(call);
      else this.#pipeline.failed(call, problem);
    };
    if (resumable) this.#parked.park(visit, call, this.#patienceMs(), giveUp);
    else {
      giveUp();
      visit.reply.event(errorAnswer(call.id, problem));
    }
  }

  /** Returns the means to close it. */
  #openStream(server: string, exposure: Exposure): () => void {
    return this.#streams.add({ server, exposure });
  }

  async #relayEvent(
    event: SseEvent,
    visit: Visit,
    waiting: Map<string | number, Call>,
    redactor: Redactor,
    listens: boolean,
  ): Promise<void> {
    const { reply } = visit;
    let data = event.data;
    if (data !== undefined && data !== '') {
      const answered = (message: Message | undefined): Call | undefined =>
        message !== undefined && isResponse(message) ? (waiting.get(message.id) ?? this.#parked.of(visit, message.id)) : undefined;
      const read = readMessage(data, (answer) => answered(answer)?.method);
      const message = read instanceof Promise ? await read : read;
      // There are readers that find messages where we find none (`NaN` in JSON): nothing has looked at those.
      if (message === undefined && parseBatch(data) === undefined) {
        this.#logger.warn(`[${visit.server.name}] sent an event that is no MCP message.`);
        return;
      }
      const call = answered(message);
      // On the stream of a request nothing is answered but what was asked there, and that once.
      if (message !== undefined && isResponse(message) && call === undefined && !listens) return;
      if (message !== undefined && isRequest(message)) this.asking.ask(visit, message.id);
      data = await this.#pipeline.outgoing(data, { server: visit.server, redactor, message, call });
      if (call !== undefined && message !== undefined) {
        waiting.delete(call.id);
        this.#parked.forget(visit, call.id);
        this.#pipeline.answered(call, message);
      }
    }
    const others: string[] = [];
    for (const line of event.others) others.push(line.length <= LARGE ? redactor.text(line) : await inTurns(redactor.textInSteps(line)));
    const text = `${withLines(event, data, others)}\n\n`;
    if (text.length > LARGE) await setImmediate();
    if (reply.raw(text) || reply.ended) return;
    await new Promise<void>((resolve) => {
      reply.onDrain(resolve);
      reply.onClosed(resolve);
    });
  }
}
