import { randomUUID } from 'node:crypto';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { CallToolResult, InputRequests } from '@modelcontextprotocol/server';

/** How long a task can be asked for, and how often it should be, in ms. */
const TTL_MS = 300_000;
const POLL_MS = 100;

type Status = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';

/** What `tools/call` answers when a task does the work (SEP-2663, CreateTaskResult). */
export interface CreatedTask {
  readonly resultType: 'task';
  readonly taskId: string;
  readonly status: Status;
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  readonly ttlMs: number;
  readonly pollIntervalMs: number;
}

/** What the work of a task may do. */
export interface TaskRun {
  /** Aborted when the client cancels the task. */
  readonly signal: AbortSignal;
  /** Asks the client under a key, and waits for what comes by `tasks/update`. */
  readonly ask: (key: string, question: InputRequests[string]) => Promise<unknown>;
}

/** The work of a task. What it throws ends the task as failed. */
export type Work = (run: TaskRun) => Promise<CallToolResult>;

/** How a task ended. */
interface End {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly result?: CallToolResult;
  readonly error?: object;
}

/** The tasks of this process (SEP-2663). They outlive the requests that made them. */
export class Tasks {
  readonly #tasks = new Map<string, Task>();

  /** Begins a task. It can be asked for from now on. */
  start(work: Work): CreatedTask {
    const task = new Task(work);
    this.#tasks.set(task.id, task);
    return { resultType: 'task', ...task.head };
  }

  /** The task with this id. @throws ProtocolError -32602 if there is none. */
  get(id: string): Task {
    const task = this.#tasks.get(id);
    if (task === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no such task');
    return task;
  }
}

/** One task. */
export class Task {
  readonly id = randomUUID();
  readonly #created = new Date().toISOString();
  readonly #abort = new AbortController();
  readonly #open = new Map<string, { readonly question: InputRequests[string]; readonly answer: (value: unknown) => void }>();
  #updated = this.#created;
  #end: End | undefined;

  constructor(work: Work) {
    void work({ signal: this.#abort.signal, ask: (key, question) => this.#ask(key, question) }).then(
      (result) => this.#finish({ status: 'completed', result }),
      () => this.#finish({ status: 'failed', error: { code: ProtocolErrorCode.InternalError, message: 'The job failed' } }),
    );
  }

  /** What is said of it when it is created. */
  get head(): Omit<CreatedTask, 'resultType'> {
    const status = this.#end?.status ?? (this.#open.size > 0 ? 'input_required' : 'working');
    const dates = { createdAt: this.#created, lastUpdatedAt: this.#updated };
    return { taskId: this.id, status, ...dates, ttlMs: TTL_MS, pollIntervalMs: POLL_MS };
  }

  /** What `tasks/get` answers (SEP-2663, DetailedTask). */
  get detail(): Record<string, unknown> {
    if (this.#end !== undefined || this.#open.size === 0) return { ...this.head, ...this.#end };
    return { ...this.head, inputRequests: Object.fromEntries([...this.#open].map(([key, { question }]) => [key, question])) };
  }

  /** Takes answers of the client. Keys that nobody waits for are ignored. */
  update(answers: Readonly<Record<string, unknown>>): void {
    for (const [key, value] of Object.entries(answers)) {
      this.#open.get(key)?.answer(value);
      this.#open.delete(key);
    }
    this.#updated = new Date().toISOString();
  }

  /** Cancels it, unless it is over. */
  cancel(): void {
    this.#finish({ status: 'cancelled' });
    this.#abort.abort();
  }

  #ask(key: string, question: InputRequests[string]): Promise<unknown> {
    return new Promise((answer) => this.#open.set(key, { question, answer }));
  }

  #finish(end: End): void {
    this.#end ??= end;
    this.#updated = new Date().toISOString();
  }
}
