import assert from 'node:assert/strict';
import type { StdioServer } from '../../../../src/bindings/server';
import { ownCall } from '../../../../src/proxy/bridge/ask';
import { META } from '../../../../src/proxy/bridge/era';
import { ModernAgents } from '../../../../src/proxy/bridge/modernAgents';
import { Verdicts } from '../../../../src/proxy/bridge/verdicts';
import { Sessions } from '../../../../src/proxy/front/sessions';
import type { Session } from '../../../../src/proxy/front/sessions';
import { InnerReply } from '../../../../src/proxy/innerReply';
import { isRequest, parseMessage } from '../../../../src/proxy/jsonRpc';
import type { Message, Request } from '../../../../src/proxy/jsonRpc';
import { Pipeline } from '../../../../src/proxy/pipeline';
import type { Post, Upstream } from '../../../../src/proxy/visit';
import { FixedClock } from '../../support/memory';

/** How long a child may be silent until it is tried with a handshake, too. */
const PROBE_MS = 20;

const server: StdioServer = { type: 'stdio', name: 'one', command: 'x', args: [], cwd: '/', env: {}, bindings: [], scope: 'workspace' };

type Answers = Readonly<Record<string, Pick<Message, 'result' | 'error'>>>;

const description = { result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {} } };
const initialized = { result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'x', version: '1' } } };
const tools = { result: { tools: [] } };

/** Children that begin to read only when they were sent a handshake, and then answer everything in order; nothing that they do not know. */
class LateChildren implements Upstream {
  /** What each of them was sent. */
  readonly sent: string[][] = [];
  readonly sessions = new Sessions(() => void this.end());
  ended = 0;
  readonly #answers: Answers;
  readonly #awake: Promise<void>;
  #wake = (): void => undefined;

  constructor(answers: Answers) {
    this.#answers = answers;
    this.#awake = new Promise((resolve) => (this.#wake = resolve));
  }

  open(): Session {
    const sent: string[] = [];
    this.sent.push(sent);
    return this.sessions.open({ agent: 'a', server }, sent);
  }

  async post({ session, messages: [message], reply }: Post): Promise<void> {
    const sent = session?.state as string[];
    if (message?.method === undefined) return;
    sent.push(message.method);
    if (message.method === 'initialize') this.#wake();
    await this.#awake;
    const answer = this.#answers[message.method];
    if (!isRequest(message)) reply.empty(202);
    else if (answer !== undefined) reply.json(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer }));
    else if (!reply.ended) await new Promise<void>((resolve) => reply.onClosed(resolve));
  }

  listen(): Promise<void> {
    return Promise.resolve();
  }

  end(): Promise<void> {
    this.ended += 1;
    return Promise.resolve();
  }
}

describe('the era of a child that was silent when it was asked for it', () => {
  async function list(agents: ModernAgents): Promise<Message | undefined> {
    const meta = { [META.version]: '2026-07-28', [META.capabilities]: {} };
    const request: Request = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } };
    let answer: Message | undefined;
    const reply = new InnerReply({ message: (text) => (answer ??= parseMessage(text)), over: () => undefined });
    const calls = [ownCall('a', server, request.method, 0)];
    await agents.post({ agent: 'a', server, session: undefined, headers: {}, reply, body: Buffer.from(''), messages: [request], calls });
    return answer;
  }

  function begin(answers: Answers): { children: LateChildren; verdicts: Verdicts; agents: ModernAgents } {
    const children = new LateChildren(answers);
    const clock = new FixedClock();
    const verdicts = new Verdicts(clock);
    const options = { upstream: children, sessions: children.sessions, pipeline: new Pipeline([]), verdicts, probeMs: PROBE_MS };
    return { children, verdicts, agents: new ModernAgents(options) };
  }

  const FIRST = ['server/discover', 'initialize'];

  const refusals = {
    'as modern servers do': { error: { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } } },
    'as a method that it does not know': { error: { code: -32601, message: 'no' } },
  };
  for (const [how, initialize] of Object.entries(refusals))
    it(`is the modern one if it describes itself late, and refuses the handshake ${how}`, async () => {
      const { agents, children, verdicts } = begin({ 'server/discover': description, initialize, 'tools/list': tools });
      assert.deepEqual((await list(agents))?.result, tools.result);
      assert.deepEqual(children.sent, [[...FIRST, 'tools/list']]);
      assert.equal(verdicts.speaks(server, 'modern'), true);
      assert.equal(children.ended, 0);
    });

  it('is the modern one if it says so only in refusing the handshake', async () => {
    const { agents, children } = begin({ initialize: refusals['as modern servers do'], 'tools/list': tools });
    assert.deepEqual((await list(agents))?.result, tools.result);
    assert.deepEqual(children.sent, [[...FIRST, 'tools/list']]);
  });

  it('is the legacy one if it accepts the handshake', async () => {
    const { agents, children, verdicts } = begin({ initialize: initialized, 'tools/list': tools });
    for (let i = 0; i < 2; i += 1) assert.notEqual((await list(agents))?.result, undefined);
    assert.deepEqual(children.sent, [[...FIRST, 'notifications/initialized', 'tools/list', 'tools/list']]);
    assert.equal(verdicts.speaks(server, 'modern'), false);
  });

  it('is the legacy one if it does both, but the next child is spoken to in the modern one', async () => {
    const { agents, children } = begin({ 'server/discover': description, initialize: initialized, 'tools/list': tools });
    for (let i = 0; i < 2; i += 1) assert.notEqual((await list(agents))?.result, undefined);
    assert.deepEqual(children.sent, [[...FIRST, 'notifications/initialized', 'tools/list'], ['tools/list']]);
  });

  it('is not known if it refuses the handshake in another way, and the child ends', async () => {
    const { agents, children, verdicts } = begin({ initialize: refusals['as a method that it does not know'] });
    assert.equal(((await list(agents))?.error as { code: number }).code, -32601);
    assert.equal(verdicts.speaks(server, 'modern'), undefined);
    assert.equal(children.ended, 1);
  });
});
