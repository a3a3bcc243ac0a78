import * as vscode from 'vscode';
import type { Logger } from '../shared/logger';

/** The log channel "MCP Secrets", made when the first line is written or it is shown. */
export class Log implements Logger, vscode.Disposable {
  #made: vscode.LogOutputChannel | undefined;

  info(message: string): void {
    this.#channel.info(message);
  }

  warn(message: string): void {
    this.#channel.warn(message);
  }

  error(message: string): void {
    this.#channel.error(message);
  }

  /** Brings the channel to the front. */
  show(): void {
    this.#channel.show();
  }

  dispose(): void {
    this.#made?.dispose();
  }

  get #channel(): vscode.LogOutputChannel {
    return (this.#made ??= vscode.window.createOutputChannel('MCP Secrets', { log: true }));
  }
}
