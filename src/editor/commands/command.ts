import type { Container } from '../container';
import type { Workspace } from '../workspace';

/** A command that works everywhere. */
export interface GlobalCommand {
  readonly needs: 'nothing';
  run(container: Container, ...args: unknown[]): unknown;
}

/**
 * A command that needs a workspace folder; `trust`: a trusted one; `vault`: also a vault that can be opened.
 * Where that is missing it says so instead of running.
 */
export interface WorkspaceCommand {
  readonly needs: 'folder' | 'trust' | 'vault';
  /** @param args what the menu or the caller hands over: an item of a view, or a name; none from the palette. */
  run(workspace: Workspace, ...args: unknown[]): unknown;
}
