import * as vscode from 'vscode';
import { SecretsError } from '../../shared/errors';
import { NO_FILTER } from '../activityFilter';
import type { Container } from '../container';
import { viewIds } from '../ids';
import type { GlobalCommand } from './command';
import { pickFilter } from './pickFilter';

/** The commands about what the view Activity shows. */
export const activityCommands = {
  'mcpSecrets.filterActivity': { needs: 'nothing', run: filterActivity },
  'mcpSecrets.clearActivityFilter': {
    needs: 'nothing',
    run: ({ activityView }) => {
      activityView.show(NO_FILTER);
    },
  },
  'mcpSecrets.showOlderActivity': {
    needs: 'nothing',
    run: ({ activityView }) => {
      activityView.showOlder();
    },
  },
} satisfies Record<string, GlobalCommand>;

async function filterActivity({ workspace, activityView }: Container): Promise<void> {
  if (workspace === undefined) throw new SecretsError('noFolder', {});
  const filter = await pickFilter(workspace, activityView.filter);
  if (filter === undefined) return;
  activityView.show(filter);
  await vscode.commands.executeCommand(`${viewIds.activity}.focus`);
}
