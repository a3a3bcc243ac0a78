import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LaunchOptions, VsCodeWindow } from '../../host/launch';
import { launchVsCode } from '../../host/launch';
import { repoRoot } from '../../host/paths';
import { Workbench } from '../../host/workbench';
import { ScriptedAgent } from './agent';

/** One VS Code with the extension, a fresh workspace folder and the scripted agent. */
export class Session {
  readonly agent = new ScriptedAgent();
  #folder = '';
  #workspace = '';
  #window: VsCodeWindow | undefined;
  #workbench: Workbench | undefined;

  /** Launches VS Code; `prepare` puts files into the workspace before. */
  async start(options: Partial<LaunchOptions> = {}, prepare?: (workspace: string) => Promise<void>): Promise<void> {
    this.#folder = await realpath(await mkdtemp(join(tmpdir(), 'mcps-ws-')));
    this.#workspace = join(this.#folder, 'web-shop');
    await mkdir(this.#workspace);
    await prepare?.(this.#workspace);
    await this.agent.start();
    const { extension, env } = this.agent.model;
    this.#window = await launchVsCode({ workspace: this.#workspace, extensions: [repoRoot, extension], env, ...options });
    this.#workbench = new Workbench(this.#window.page);
  }

  get workspace(): string {
    return this.#workspace;
  }

  get window(): VsCodeWindow {
    if (this.#window === undefined) throw new Error('not started');
    return this.#window;
  }

  get workbench(): Workbench {
    if (this.#workbench === undefined) throw new Error('not started');
    return this.#workbench;
  }

  /** Ends everything and removes the folders. */
  async dispose(): Promise<void> {
    await this.#window?.dispose();
    await this.agent.stop();
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true });
  }
}
