import type { ModelPart, ModelReply, ModelRequest, ScriptedModel } from '../../host/scriptedModel';
import { startScriptedModel } from '../../host/scriptedModel';

/** What the model says when its turn comes. */
export interface Turn {
  /** How the name of the tool to call ends. */
  readonly tool: string;
  readonly input: object;
  /** What it says after the tool's result. */
  readonly words: string;
}

/** A model that is told, before each message of the user, which tool it will call. */
export class ScriptedAgent {
  #model: ScriptedModel | undefined;
  #turn: Turn | undefined;
  #words = 'Nothing to do.';

  /** Starts listening for VS Code. */
  async start(): Promise<void> {
    this.#model = await startScriptedModel((request) => this.#reply(request));
  }

  /** The other side in VS Code, and all that it has sent. */
  get model(): ScriptedModel {
    if (this.#model === undefined) throw new Error('not started');
    return this.#model;
  }

  /** What the model does with the next message that comes with that tool. */
  next(turn: Turn): void {
    this.#turn = turn;
    this.#words = turn.words;
  }

  /** Whether the model has called the tool of `next`. */
  get hasCalled(): boolean {
    return this.#turn === undefined;
  }

  /** The tools that were last offered to the model. */
  get tools(): string[] {
    return this.model.requests.findLast(({ tools }) => tools.length > 0)?.tools.map(({ name }) => name) ?? [];
  }

  /** The results of all tool calls that the model has been given, in the order of the calls. */
  get results(): string[] {
    const seen = new Map<string, string>();
    for (const part of this.model.requests.flatMap(({ messages }) => messages).flatMap(({ parts }) => parts)) {
      if (part.type === 'toolResult') seen.set(part.callId, textOf(part.content));
    }
    return [...seen.values()];
  }

  async stop(): Promise<void> {
    await this.#model?.stop();
  }

  #reply({ tools }: ModelRequest): ModelReply {
    const turn = this.#turn;
    const name = turn && tools.find((tool) => tool.name.endsWith(turn.tool))?.name;
    if (turn === undefined || name === undefined) return { text: this.#words };
    this.#turn = undefined;
    return { toolCall: { name, input: turn.input } };
  }
}

function textOf(parts: readonly ModelPart[]): string {
  return parts.map((part) => ('text' in part ? part.text : JSON.stringify(part))).join('');
}
