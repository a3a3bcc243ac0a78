import * as vscode from 'vscode';
import type { AuditLog } from '../../audit/auditLog';
import { messageOf } from '../../shared/errors';
import { visible } from '../../shared/visible';
import { ActivityFeed } from '../activityFeed';
import type { ActivityPage } from '../activityFeed';
import { filterWords, isEmpty, NO_FILTER } from '../activityFilter';
import type { ActivityFilter } from '../activityFilter';
import { FILTERED_KEY, viewIds } from '../ids';
import type { Workspace } from '../workspace';
import { detailItem, detailsOf, entryItem, entryTooltip, moreItem } from './activityItems';
import type { ActivityNode } from './activityItems';
import { showNews } from './treeViews';

/** How many entries are shown at first. */
const PAGE = 200;
/** How often the trail is looked at for entries of other processes, while the view can be seen. */
const LOOK_MS = 2_000;

/** The view Activity: who used or changed what, newest first. */
export class ActivityView implements vscode.TreeDataProvider<ActivityNode>, vscode.Disposable {
  readonly #workspace: Workspace | undefined;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: vscode.TreeView<ActivityNode>;
  #feed: ActivityFeed | undefined;
  #news: vscode.Disposable | undefined;
  #filter = NO_FILTER;
  #limit = PAGE;

  constructor(workspace: Workspace | undefined) {
    this.#workspace = workspace;
    this.#view = vscode.window.createTreeView(viewIds.activity, { treeDataProvider: this, showCollapseAll: true });
  }

  async getChildren(node?: ActivityNode): Promise<ActivityNode[]> {
    if (node !== undefined) return node.kind === 'entry' ? detailsOf(node.entry) : [];
    const audit = this.#workspace?.audit;
    if (audit === undefined) return [];
    this.#news ??= showNews(this.#view, [audit.onDidAdd, (listener) => this.#watchOthers(audit, listener)], () => {
      this.#changed.fire(undefined);
    });
    const filter = this.#filter;
    try {
      const { entries, hasMore } = await this.#read(audit, filter);
      if (filter === this.#filter) this.#view.message = messageFor(filter, entries.length);
      const nodes: ActivityNode[] = entries.map((entry) => ({ kind: 'entry', entry }));
      return hasMore ? [...nodes, { kind: 'more' }] : nodes;
    } catch (error) {
      this.#view.message = `The audit trail cannot be read. ${messageOf(error)}`;
      return [];
    }
  }

  getTreeItem(node: ActivityNode): vscode.TreeItem {
    if (node.kind === 'more') return moreItem();
    return node.kind === 'detail' ? detailItem(node) : entryItem(node, Date.now());
  }

  resolveTreeItem(item: vscode.TreeItem, node: ActivityNode): vscode.TreeItem {
    if (node.kind === 'entry') item.tooltip = entryTooltip(node);
    return item;
  }

  /** Which entries are shown. */
  get filter(): ActivityFilter {
    return this.#filter;
  }

  /** Shows other entries, from the newest on. */
  show(filter: ActivityFilter): void {
    this.#filter = filter;
    this.#limit = PAGE;
    void vscode.commands.executeCommand('setContext', FILTERED_KEY, !isEmpty(filter));
    this.#changed.fire(undefined);
  }

  /** Shows more entries, older ones. Each time so many more that it takes few clicks to get far. */
  showOlder(): void {
    this.#limit *= 3;
    this.#changed.fire(undefined);
  }

  /** Reads everything again. */
  refresh(): void {
    this.#feed?.forget();
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#news?.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }

  async #read(audit: AuditLog, filter: ActivityFilter): Promise<ActivityPage> {
    this.#feed ??= new ActivityFeed(audit);
    return this.#feed.read(filter, this.#limit, Date.now());
  }

  /** Tells when the trail has an end that it did not have before. */
  #watchOthers(audit: AuditLog, listener: () => unknown): vscode.Disposable {
    let end = audit.recent().at(-1);
    const timer = setInterval(() => {
      if (!this.#view.visible) return;
      const last = audit.recent().at(-1);
      if (last === end) return;
      end = last;
      listener();
    }, LOOK_MS).unref();
    return new vscode.Disposable(() => {
      clearInterval(timer);
    });
  }
}

/** An empty view has its welcome text instead, which a message would hide. */
function messageFor(filter: ActivityFilter, shown: number): string {
  if (isEmpty(filter)) return '';
  return visible(shown === 0 ? `Nothing fits the filter: ${filterWords(filter)}` : filterWords(filter));
}
