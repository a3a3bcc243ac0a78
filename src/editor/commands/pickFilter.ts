import * as vscode from 'vscode';
import type { AuditEntry } from '../../audit/entry';
import { KIND_WORDS, NO_FILTER, OUTCOME_WORDS, secretLabels, SPANS } from '../activityFilter';
import type { ActivityFilter } from '../activityFilter';
import { plain } from '../plain';
import { labelOf } from '../secretRef';
import type { Workspace } from '../workspace';

/** One way in which an entry may fit. */
interface Choice extends vscode.QuickPickItem {
  readonly picked: boolean;
  /** Adds this to a filter. */
  add(filter: ActivityFilter): ActivityFilter;
}

type Part = 'kinds' | 'outcomes' | 'agents' | 'servers' | 'secrets';

/** Asks which entries to show. @param current what is ticked at first. @returns `undefined` if the user gave up. */
export async function pickFilter(workspace: Workspace, current: ActivityFilter): Promise<ActivityFilter | undefined> {
  // What is wrong with a vault is said elsewhere.
  await workspace.vaults.load().catch(() => undefined);
  const picked = await vscode.window.showQuickPick(itemsFor(workspace, current), {
    title: 'Filter Activity',
    placeHolder: 'Tick what you want to see; nothing ticked shows everything',
    canPickMany: true,
    matchOnDescription: true,
  });
  return picked?.reduce((filter, item) => ('add' in item ? item.add(filter) : filter), NO_FILTER);
}

function itemsFor(workspace: Workspace, current: ActivityFilter): (Choice | vscode.QuickPickItem)[] {
  const { audit, agents, servers, vaults } = workspace;
  const recent = audit.recent();
  const named = (
    own: (entry: AuditEntry) => readonly (string | undefined)[],
    known: () => readonly string[],
    wanted: readonly string[],
  ): string[] => [...new Set([...recent.flatMap(own), ...attempt(known), ...wanted])].filter((name) => name !== undefined).sort();

  return [
    separator('Kind'),
    ...choices('kinds', Object.keys(KIND_WORDS) as (keyof typeof KIND_WORDS)[], current, (kind) => KIND_WORDS[kind]),
    separator('Outcome'),
    ...choices('outcomes', Object.keys(OUTCOME_WORDS) as (keyof typeof OUTCOME_WORDS)[], current, (outcome) => OUTCOME_WORDS[outcome]),
    separator('Time'),
    ...SPANS.map(({ hours, label }): Choice => ({
      label,
      picked: current.hours === hours,
      // Of several the longest counts.
      add: (filter) => ({ ...filter, hours: Math.max(hours, filter.hours ?? 0) }),
    })),
    separator('Agent'),
    ...choices(
      'agents',
      named(
        ({ agent }) => [agent],
        () => agents.list().map(({ agent }) => agent),
        current.agents,
      ),
      current,
    ),
    separator('Server'),
    ...choices(
      'servers',
      named(
        ({ server }) => [server],
        () => [...servers.file().servers.keys()],
        current.servers,
      ),
      current,
    ),
    separator('Secret'),
    ...choices(
      'secrets',
      named(secretLabels, () => vaults.list().map(labelOf), current.secrets),
      current,
    ),
  ];
}

function choices<P extends Part>(
  part: P,
  values: readonly ActivityFilter[P][number][],
  current: ActivityFilter,
  label: (value: ActivityFilter[P][number]) => string = String,
): Choice[] {
  const wanted: readonly string[] = current[part];
  return values.map((value) => ({
    label: plain(label(value)),
    picked: wanted.includes(value),
    add: (filter) => ({ ...filter, [part]: [...filter[part], value] }),
  }));
}

function separator(label: string): vscode.QuickPickItem {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

/** What cannot be read adds no names. */
function attempt(list: () => readonly string[]): readonly string[] {
  try {
    return list();
  } catch {
    return [];
  }
}
