import { objectAt, stringAt } from '../jsonRpc';
import type { Branch } from './branch';
import type { Item } from './catalog';
import { Owners } from './owners';
import { wholeList } from './pages';

/** Which server works on which task (MCP 2025-11-25, tasks). */
export class Tasks {
  readonly #owners = new Owners();

  /** Remembers the task in the answer to a call, if it is one. The first server that names a task has it. */
  learn(branch: Branch, result: unknown): void {
    this.#owners.claim(branch.server, stringAt(objectAt(result, 'task'), 'taskId'));
  }

  /** Whether a server may tell how a task stands. */
  allow(server: string, task: string | undefined): boolean {
    return this.#owners.allow(server, task);
  }

  ownerOf(task: string, branches: ReadonlyMap<string, Branch>): Branch | undefined {
    return branches.get(this.#owners.of(task) ?? '');
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
