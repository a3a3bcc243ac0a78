import { SecretsError } from '../../shared/errors';
import { objectAt, stringAt } from '../jsonRpc';
import type { Request, RequestId } from '../jsonRpc';
import { INVALID_PARAMS, METHOD_NOT_FOUND, resultAnswer, rpcError, unclear, withParams, withUri } from './answers';
import type { Branch } from './branch';
import { ALL_KINDS, KINDS } from './catalog';
import type { Kind } from './catalog';
import type { Directory, Target } from './directory';
import type { Skipped } from './hello';
import type { Heard, Outer } from './exchange';
import type { Logs } from './logs';
import { ProgressTokens } from './progress';
import { calledTool, describeTool, findTools, SEARCH_TOOLS } from './searchTools';
import type { Subscriptions } from './subscriptions';
import type { Tasks } from './tasks';

/** A list that was read longer ago is looked at again while the agent gets what is known: not every server tells of changes. */
const FRESH_MS = 30_000;

/** What the answers are made from. */
export interface RequestsOptions {
  readonly branches: ReadonlyMap<string, Branch>;
  readonly directory: Directory;
  readonly logs: Logs;
  readonly subscriptions: Subscriptions;
  readonly tasks: Tasks;
  /** Whether the agent is offered three tools in place of all. */
  readonly search: boolean;
  /** Settles when the servers that are about to join have joined, or have taken too long. */
  readonly gathered: () => Promise<void>;
  readonly skipped: () => readonly Skipped[];
  /** As `Clock.steady`. */
  readonly now: () => number;
}

/** Answers the requests of an agent: from the lists, or by the server that a name or URI stands for. */
export class Requests {
  /** Under which tokens each server may tell of its progress. */
  readonly progress = new ProgressTokens();
  readonly #options: RequestsOptions;
  /** Requests under way at servers; `false` once they are cancelled. */
  readonly #underWay = new Map<RequestId, Branch | false>();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** The answer as JSON text; `undefined` if there is none, because the request was cancelled. @throws SecretsError to be told as an error. */
  async answer(request: Request, outer: Outer): Promise<string | undefined> {
    const kind = ALL_KINDS.find((each) => KINDS[each].method === request.method);
    if (kind !== undefined) return this.#list(kind, request);
    switch (request.method) {
      case 'ping':
        return resultAnswer(request.id, {});
      case 'tools/call':
        return this.#callTool(request, outer);
      case 'prompts/get':
        return this.#getPrompt(request, outer);
      case 'resources/read':
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return this.#useResource(request, outer);
      case 'completion/complete':
        return this.#complete(request, outer);
      case 'logging/setLevel':
        return this.#setLevel(request);
      case 'tasks/list':
        return resultAnswer(request.id, { tasks: await this.#options.tasks.list(this.#options.branches.values()) });
      case 'tasks/get':
      case 'tasks/result':
      case 'tasks/cancel':
        return this.#useTask(request, outer);
      default:
        return rpcError(request.id, METHOD_NOT_FOUND, `There is no way to tell which server "${request.method.slice(0, 128)}" is for.`);
    }
  }

  /** A request was cancelled by the agent. Returns the server that works on it. */
  cancelled(id: RequestId): Branch | undefined {
    const branch = this.#underWay.get(id);
    if (branch === undefined || branch === false) return undefined;
    this.#underWay.set(id, false);
    return branch;
  }

  async #list(kind: Kind, { id }: Request): Promise<string> {
    const { branches, directory, search, skipped, now } = this.#options;
    await this.#options.gathered();
    for (const branch of branches.values()) branch.refresh(kind, now() - FRESH_MS);
    const json = kind === 'tools' && search ? SEARCH_TOOLS : directory.merged(kind).json;
    const missing = skipped();
    const meta = missing.length === 0 ? '' : `,"_meta":${JSON.stringify({ 'mcp-secrets/skipped': missing })}`;
    return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"${kind}":${json}${meta}}}`;
  }

  async #callTool(request: Request, outer: Outer): Promise<string | undefined> {
    const { search, directory } = this.#options;
    const name = stringAt(request.params, 'name') ?? '';
    if (!search) return this.#callNamed(request, outer);
    const args = objectAt(request.params, 'arguments');
    switch (name) {
      case 'find_tools':
        await this.#options.gathered();
        return resultAnswer(request.id, findTools(await directory.search(), args));
      case 'describe_tool':
        await this.#options.gathered();
        return resultAnswer(
          request.id,
          describeTool((tool) => directory.merged('tools').byShown.get(tool)?.item, args),
        );
      case 'call_tool':
        return this.#callNamed({ ...request, params: calledTool(request.params) }, outer);
      default:
        return this.#callNamed(request, outer);
    }
  }

  async #callNamed(request: Request, outer: Outer): Promise<string | undefined> {
    const name = stringAt(request.params, 'name') ?? '';
    const target = await this.#named('tools', name);
    if (target === undefined) return rpcError(request.id, INVALID_PARAMS, `Unknown tool: ${name.slice(0, 128)}`);
    const heard = await this.#relay(withParams(request, { name: target.own }), target.branch, outer);
    if (heard === undefined) return undefined;
    const { message, text } = heard;
    if (/"(?:resource|resource_link)"/.test(text)) target.branch.mentions.learn(message.result);
    this.#options.tasks.learn(target.branch, message.result);
    return text;
  }

  async #getPrompt(request: Request, outer: Outer): Promise<string | undefined> {
    const name = stringAt(request.params, 'name') ?? '';
    const target = await this.#named('prompts', name);
    if (target === undefined) return rpcError(request.id, INVALID_PARAMS, `Unknown prompt: ${name.slice(0, 128)}`);
    const heard = await this.#relay(withParams(request, { name: target.own }), target.branch, outer);
    if (heard?.text.includes('"resource') === true) target.branch.mentions.learn(heard.message.result);
    return heard?.text;
  }

  async #useResource(request: Request, outer: Outer): Promise<string | undefined> {
    const { subscriptions } = this.#options;
    const uri = stringAt(request.params, 'uri') ?? '';
    const subscribed = request.method === 'resources/unsubscribe' ? this.#subscribed(uri) : undefined;
    const targets = subscribed === undefined ? await this.#resource(uri) : [subscribed];
    const [target] = targets;
    if (target === undefined || targets.length > 1) return unclear(request.id, uri, targets);
    const heard = await this.#relay(withParams(request, { uri: target.own }), target.branch, outer);
    if (heard === undefined) return undefined;
    if (request.method === 'resources/unsubscribe') subscriptions.delete(uri);
    else if (request.method === 'resources/subscribe' && heard.message.error === undefined)
      subscriptions.add(uri, { server: target.branch.server, own: target.own });
    return target.own === uri ? heard.text : withUri(heard, target.own, uri);
  }

  async #complete(request: Request, outer: Outer): Promise<string | undefined> {
    const ref = objectAt(request.params, 'ref');
    const [name, uri] = [stringAt(ref, 'name'), stringAt(ref, 'uri')];
    await this.#options.gathered();
    const prompt = name === undefined ? undefined : this.#options.directory.named('prompts', name);
    const targets = prompt !== undefined ? [prompt] : uri === undefined ? [] : this.#options.directory.template(uri);
    const [target] = targets;
    if (target === undefined || targets.length > 1) return unclear(request.id, uri ?? name ?? '', targets);
    if (target.branch.capabilities.completions === undefined) return resultAnswer(request.id, { completion: { values: [] } });
    const own = name === undefined ? { uri: target.own } : { name: target.own };
    return (await this.#relay(withParams(request, { ref: { ...ref, ...own } }), target.branch, outer))?.text;
  }

  async #setLevel({ id, params }: Request): Promise<string> {
    const level = (params as { level?: unknown } | null | undefined)?.level;
    if (!this.#options.logs.set(level)) return rpcError(id, INVALID_PARAMS, 'There is no such log level.');
    const able = [...this.#options.branches.values()].filter((branch) => branch.isOpen && branch.capabilities.logging !== undefined);
    const told = Promise.allSettled(able.map((branch) => branch.ask('logging/setLevel', params)));
    // One that does not answer keeps nobody waiting: it is told, and that is all.
    await Promise.race([told, new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
    return resultAnswer(id, {});
  }

  async #useTask(request: Request, outer: Outer): Promise<string | undefined> {
    const branch = this.#options.tasks.ownerOf(stringAt(request.params, 'taskId') ?? '', this.#options.branches);
    if (branch === undefined) return rpcError(request.id, INVALID_PARAMS, 'There is no such task.');
    return (await this.#relay(request, branch, outer))?.text;
  }

  /** Brings a request to its server. @throws SecretsError if it gets no answer there. */
  async #relay(request: Request, branch: Branch, outer: Outer): Promise<Heard | undefined> {
    const { id } = request;
    if (this.#underWay.has(id)) throw new SecretsError('notJsonRpc', { why: 'its id is that of a request under way' });
    this.#underWay.set(id, branch);
    const over = this.progress.begin(branch.server, request);
    let heard: Heard | undefined;
    try {
      heard = await branch.request(request, { ...outer, cancelled: () => this.#underWay.get(id) === false });
      if (heard === undefined && this.#underWay.get(id) !== false && !outer.reply.ended)
        throw new SecretsError('upstreamClosed', { server: branch.server });
      return heard;
    } finally {
      this.#underWay.delete(id);
      over(heard?.message);
    }
  }

  async #named(kind: 'tools' | 'prompts', name: string): Promise<Target | undefined> {
    const { directory, gathered } = this.#options;
    const known = directory.named(kind, name);
    if (known !== undefined) return known;
    await gathered();
    return directory.named(kind, name);
  }

  async #resource(uri: string): Promise<readonly Target[]> {
    await this.#options.gathered();
    return this.#options.directory.resource(uri);
  }

  #subscribed(uri: string): Target | undefined {
    const place = this.#options.subscriptions.get(uri);
    const branch = place === undefined ? undefined : this.#options.branches.get(place.server);
    return place === undefined || branch === undefined ? undefined : { branch, own: place.own };
  }
}
