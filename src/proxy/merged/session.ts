import type { Reply } from '../front/reply';
import { cancelledBy, errorAnswer, isRequest, isResponse, stringAt } from '../jsonRpc';
import type { Message, Request, RequestId } from '../jsonRpc';
import type { Post } from '../visit';
import type { ToolsMode } from './allServers';
import { Branch } from './branch';
import type { BranchListener, BranchOptions } from './branch';
import { ALL_KINDS } from './catalog';
import type { Kind } from './catalog';
import { Directory } from './directory';
import { helloResult } from './hello';
import type { Heard, Outer } from './exchange';
import type { LineOptions } from './line';
import { Logs } from './logs';
import { Members } from './members';
import type { MembersOptions, Offer } from './members';
import { Outbox } from './outbox';
import { Owners } from './owners';
import { Questions } from './questions';
import { Requests } from './requests';
import { Subscriptions } from './subscriptions';
import { Tasks } from './tasks';

/** What a session with all servers needs. */
export interface MergedSessionOptions extends LineOptions, Pick<MembersOptions, 'patienceMs'>, Pick<BranchOptions, 'clock'> {
  readonly offers: (agent: string) => readonly Offer[] | undefined;
  readonly mayStay: (agent: string, server: string) => boolean;
}

/** News of lists that come close together are told once. */
const NEWS_MS = 50;

/**
 * One agent's session with all servers: a branch for each, their lists as one, and the way of each message to the right server and
 * back. Request ids and progress tokens of the agent are kept, as each branch serves this session only; so answers can be handed
 * on as they come.
 */
export class MergedSession implements BranchListener {
  readonly #mode: ToolsMode;
  readonly #members: Members;
  readonly #directory: Directory;
  readonly #outbox = new Outbox();
  readonly #logs = new Logs(this.#outbox);
  readonly #questions = new Questions<Branch>();
  readonly #subscriptions = new Subscriptions();
  readonly #tasks = new Tasks();
  /** Of what agents are asked to open in a browser (MCP 2025-11-25, elicitation). */
  readonly #elicitations = new Owners();
  readonly #requests: Requests;
  readonly #news = new Set<Kind>();
  #hello: unknown;
  #greeted = false;
  #ended = false;

  constructor(agent: string, mode: ToolsMode, options: MergedSessionOptions) {
    this.#mode = mode;
    this.#members = new Members({
      offers: () => options.offers(agent),
      mayStay: (server) => options.mayStay(agent, server),
      patienceMs: options.patienceMs,
      branchOf: (server) => this.#branchOf(agent, server, options),
      left: (branch) => {
        this.#left(branch);
      },
    });
    const { branches } = this.#members;
    this.#directory = new Directory(branches);
    this.#requests = new Requests({
      branches,
      directory: this.#directory,
      logs: this.#logs,
      subscriptions: this.#subscriptions,
      tasks: this.#tasks,
      search: mode === 'search',
      gathered: () => this.#members.gathered(),
      skipped: () => this.#members.skipped(),
      now: () => options.clock.steady(),
    });
  }

  /** Takes the messages of an agent; settles when every request among them has its answer. */
  async post({ reply, headers, messages, calls }: Post): Promise<void> {
    const answers: Promise<void>[] = [];
    for (const message of messages) {
      if (isRequest(message)) answers.push(this.#outbox.during(reply, this.#answer(message, { reply, headers }, calls.length === 1)));
      else if (isResponse(message)) await this.#answered(message);
      else await this.#notified(message);
    }
    if (answers.length === 0) {
      reply.empty(202);
      return;
    }
    await Promise.all(answers);
    if (!reply.ended) reply.end();
  }

  /** Makes a reply the stream on which the servers speak unasked. */
  listen(reply: Reply): Promise<void> {
    return this.#outbox.listen(reply);
  }

  /** Looks whether there are other servers than before. */
  review(): void {
    if (this.#hello !== undefined) this.#members.review();
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#outbox.end();
    await this.#members.end();
  }

  heard(branch: Branch, { message, text }: Heard, outer: Outer | undefined): void {
    if (this.#ended || !this.#mayTell(branch.server, message)) return;
    if (message.method === 'elicitation/create') this.#elicitations.claim(branch.server, stringAt(message.params, 'elicitationId'));
    const asked = this.#questions.outgoing(branch, message);
    if (asked === undefined) return;
    const updated = this.#subscriptions.outgoing(branch.server, asked, this.#directory);
    const changed = this.#logs.outgoing(branch.server, updated);
    this.#outbox.say(changed === message ? text : JSON.stringify(changed), outer?.reply);
  }

  listed(branch: Branch, kind: Kind): void {
    if (this.#members.branches.get(branch.server) === branch) this.#tell(kind);
  }

  failed(branch: Branch, why: string): void {
    if (!this.#ended) this.#logs.problem(branch.server, why);
  }

  /** All but news of what is another server's: nothing tells the agent from whom they are. */
  #mayTell(server: string, message: Message): boolean {
    switch (message.method) {
      case 'notifications/progress':
        return this.#requests.progress.allow(server, message);
      case 'notifications/tasks/status':
        return this.#tasks.allow(server, stringAt(message.params, 'taskId'));
      case 'notifications/elicitation/complete':
        return this.#elicitations.allow(server, stringAt(message.params, 'elicitationId'));
      default:
        return true;
    }
  }

  async #answer(request: Request, outer: Outer, alone: boolean): Promise<void> {
    const text = await this.#answerTo(request, outer);
    const { reply } = outer;
    if (text === undefined || reply.ended) return;
    if (alone) reply.json(text);
    else reply.event(text);
  }

  async #answerTo(request: Request, outer: Outer): Promise<string | undefined> {
    try {
      return request.method === 'initialize' ? await this.#greet(request) : await this.#requests.answer(request, outer);
    } catch (error) {
      return errorAnswer(request.id, error);
    }
  }

  async #greet({ id, params }: Request): Promise<string> {
    this.#hello ??= params ?? {};
    await this.#members.gathered();
    this.#greeted = true;
    const present = [...this.#members.branches.values()].filter((branch) => branch.isOpen);
    const result = helloResult(params, present, this.#members.skipped(), this.#mode === 'search');
    return JSON.stringify({ jsonrpc: '2.0', id, result });
  }

  async #answered(answer: Message & { readonly id: RequestId }): Promise<void> {
    const known = this.#questions.answered(answer);
    await known?.from.send(known.message);
  }

  async #notified(message: Message): Promise<void> {
    // Each server was told that when its own handshake was done.
    if (message.method === 'notifications/initialized') return;
    const cancelled = cancelledBy(message);
    if (cancelled !== undefined) {
      await this.#requests.cancelled(cancelled)?.send(message);
      return;
    }
    const progressed = this.#questions.progressed(message);
    if (progressed !== undefined) await progressed.from.send(progressed.message);
    else if (message.method !== 'notifications/progress')
      await Promise.all([...this.#members.branches.values()].map((branch) => branch.send(message)));
  }

  #branchOf(agent: string, server: string, options: MergedSessionOptions): Branch {
    return new Branch({
      ...options,
      agent,
      server,
      hello: this.#hello,
      listener: this,
      settings: (branch) => [...this.#logs.settings(branch), ...this.#subscriptions.settings(branch)],
    });
  }

  #left(branch: Branch): void {
    for (const kind of ALL_KINDS) if ((branch.list(kind) ?? []).length > 0) this.#tell(kind);
    for (const requestId of this.#questions.forget(branch))
      this.#outbox.say(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }));
  }

  /** A list is another one than before: the agent is told soon. */
  #tell(kind: Kind): void {
    this.#directory.changed(kind);
    if (!this.#greeted || this.#ended || (kind === 'tools' && this.#mode === 'search')) return;
    if (this.#news.size === 0)
      setTimeout(() => {
        this.#tellNews();
      }, NEWS_MS).unref();
    this.#news.add(kind);
  }

  #tellNews(): void {
    const lists = new Set([...this.#news].map((kind) => (kind === 'resourceTemplates' ? 'resources' : kind)));
    this.#news.clear();
    if (this.#ended) return;
    for (const list of lists) this.#outbox.say(JSON.stringify({ jsonrpc: '2.0', method: `notifications/${list}/list_changed` }));
  }
}
