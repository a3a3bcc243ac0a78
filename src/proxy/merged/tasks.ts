import { objectAt, stringAt } from '../jsonRpc';
import type { Branch } from './branch';
import type { Item } from './catalog';
import { wholeList } from './pages';

/** Tasks that are remembered; the oldest are forgotten. */
const MAX_TASKS = 4_096;

/** Which server works on which task (MCP 2025-11-25, tasks). */
export class Tasks {
  readonly #servers = new Map<string, string>();

  /** Remembers the task in the answer to a call, if it is one. The first server that names a task has it. */
  learn(branch: Branch, result: unknown): void {
    const id = stringAt(objectAt(result, 'task'), 'taskId');
    if (id === undefined || this.#servers.has(id)) return;
    this.#servers.set(id, branch.server);
    const [oldest] = this.#servers.keys();
    if (this.#servers.size > MAX_TASKS && oldest !== undefined) this.#servers.delete(oldest);
  }

  ownerOf(task: string, branches: ReadonlyMap<string, Branch>): Branch | undefined {
    return branches.get(this.#servers.get(task) ?? '');
  }

  /** The tasks of all servers that keep some; one that does not tell is left out. */
  async list(branches: Iterable<Branch>): Promise<Item[]> {
    const able = [...branches].filter(({ isOpen, capabilities }) => isOpen && objectAt(capabilities, 'tasks')?.list !== undefined);
    const lists = await Promise.all(
      able.map(async (branch) => {
        const tasks = await wholeList(
          branch.server,
          'tasks',
          async (cursor) => (await branch.ask('tasks/list', cursor === undefined ? {} : { cursor }))?.message,
        ).catch(() => []);
        for (const task of tasks) this.learn(branch, { task });
        return tasks;
      }),
    );
    return lists.flat();
  }
}
