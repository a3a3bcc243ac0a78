import * as vscode from 'vscode';
import { messageOf } from '../../shared/errors';
import type { ProductState } from '../state';

/** Many changes that come together are shown once. */
const PAUSE_MS = 50;

type Listen = ((listener: () => unknown) => { dispose(): unknown }) | undefined;

/** Refreshes a view on news while it can be seen, and once when it appears after news that it has missed. */
export function showNews(view: vscode.TreeView<unknown>, news: readonly Listen[], refresh: () => void): vscode.Disposable {
  let missed = false;
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    missed = true;
    if (!view.visible) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      missed = false;
      refresh();
    }, PAUSE_MS);
  };
  const listeners = [
    ...news.flatMap((listen) => (listen === undefined ? [] : [listen(soon)])),
    view.onDidChangeVisibility(() => {
      if (view.visible && missed) soon();
    }),
  ];
  return new vscode.Disposable(() => {
    clearTimeout(timer);
    for (const listener of listeners) listener.dispose();
  });
}

/** What a view says above its items. An empty view has its welcome text instead, which a message would hide. */
export function viewMessage({ name, error }: ProductState, isEmpty: boolean): string {
  if (name === 'error') return messageOf(error);
  if (isEmpty) return '';
  if (name === 'locked') return 'The vault is locked. Unlock it to use these secrets.';
  if (name === 'keyLost') return 'The key of this vault is gone, so these secrets cannot be opened.';
  if (name === 'untrusted') return 'Restricted Mode: trust this workspace to use secrets and servers.';
  return '';
}
