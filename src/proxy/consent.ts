import type { CallAnswer, CallApprover } from '../bindings/callApproval';
import type { CallGrants, GrantedCall } from '../bindings/callGrants';
import { planDigest } from '../bindings/plan';
import type { Clock } from '../shared/clock';
import { messageOf, SecretsError } from '../shared/errors';
import type { Logger } from '../shared/logger';
import { visible } from '../shared/visible';
import type { Call } from './call';
import type { ShownCall } from './guard/mask';
import type { RequestId } from './jsonRpc';

/** Questions of one agent that may wait for a person at a time. */
const MAX_WAITING = 16;
/** After so many noes to the same tool in a session the person is not asked about it again in that session, under that plan. */
const MAX_NOES = 3;
/** Sessions whose answers are remembered; the oldest go first. */
const MAX_SESSIONS = 1_000;

/** What is needed to ask for consent. */
export interface ConsentOptions {
  /** Without one, nobody can be asked. */
  readonly approver?: CallApprover | undefined;
  readonly grants?: CallGrants | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a person is asked, made only when somebody is there to be asked. */
export interface Wording extends ShownCall {
  readonly rule: string;
}

/** A call that waits for a person. */
interface Waiting {
  readonly call: Call;
  readonly withdraw: () => void;
}

/** What a person has said in one session, by server, plan, tool and rule. */
type Answers = Map<string, 'yes' | number>;

/** Gets the consent of a person to calls, and remembers what was said for a session. */
export class Consent {
  readonly #options: ConsentOptions;
  readonly #waiting = new Set<Waiting>();
  readonly #sessions = new Map<string, Answers>();

  constructor(options: ConsentOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the call may be made; `undefined`: at once.
   * @throws SecretsError `callUnapproved` where nobody can be asked; `callDeclined`, `callWithdrawn`, `callQueueFull`.
   */
  get(call: Call, granted: GrantedCall, wording: () => Promise<Wording>): Promise<void> | undefined {
    const { approver, grants } = this.#options;
    const details = { server: granted.server.name, tool: granted.tool };
    const answers = this.#answersOf(call);
    // With another address, scope or policy the same tool and rule number are another call.
    const key = JSON.stringify([call.server, planDigest(granted.server), granted.tool, granted.rule]);
    const before = answers.get(key);
    if (before === 'yes' || grants?.isGranted(granted) === true) return undefined;
    if (approver === undefined) throw new SecretsError('callUnapproved', { ...details, agent: call.agent });
    if ((before ?? 0) >= MAX_NOES) throw new SecretsError('callDeclined', details);
    if ([...this.#waiting].filter(({ call: other }) => other.agent === call.agent).length >= MAX_WAITING)
      throw new SecretsError('callQueueFull', details);
    return this.#ask(call, granted, wording, approver).then(async (asked) => {
      if (asked === undefined) throw new SecretsError('callWithdrawn', details);
      const { answer, shown } = asked;
      if (answer === 'no') {
        const noes = answers.get(key);
        answers.set(key, noes === 'yes' ? 1 : (noes ?? 0) + 1);
        throw new SecretsError('callDeclined', details);
      }
      // What is kept is looked up each time: it can be taken back. A name that holds the value of a secret is kept nowhere.
      const kept = answer === 'always' && shown === granted.tool && (await this.#keep(granted));
      if (answer !== 'once' && !kept) answers.set(key, 'yes');
    });
  }

  /** The agent does not wait for a call any more: it is not asked about, or not carried out if the answer comes later. */
  withdraw(agent: string, server: string, session: string | undefined, id: RequestId): void {
    for (const { call, withdraw } of this.#waiting)
      if (call.agent === agent && call.server === server && call.session === session && call.id === id) withdraw();
  }

  /** The answer, and the name of the tool as it was shown; `undefined` if nobody waits for it any more. */
  async #ask(
    call: Call,
    { server }: GrantedCall,
    wording: () => Promise<Wording>,
    approver: CallApprover,
  ): Promise<{ answer: CallAnswer; shown: string } | undefined> {
    let waits = true;
    let withdraw = (): void => undefined;
    const gone = new Promise<undefined>((resolve) => {
      withdraw = () => {
        waits = false;
        resolve(undefined);
      };
    });
    const waiting: Waiting = { call, withdraw };
    this.#waiting.add(waiting);
    call.onGone?.(withdraw);
    try {
      const question = { agent: visible(call.agent), server: server.name, ...(await wording()), waits: () => waits };
      const answer = await Promise.race([gone, approver.ask(question)]);
      return answer === undefined ? undefined : { answer, shown: question.tool };
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  /** That it could not be kept is no reason to refuse the call that was just allowed. */
  async #keep(granted: GrantedCall): Promise<boolean> {
    const { grants, clock, logger } = this.#options;
    try {
      await grants?.grant(granted, 'user', clock.now());
      return grants !== undefined;
    } catch (error) {
      logger.error(`That a tool is always allowed could not be kept; it is for this session. ${messageOf(error)}`);
      return false;
    }
  }

  /** What was said in the session of a call; without one: to this agent, as long as the proxy runs. */
  #answersOf({ agent, session }: Call): Answers {
    const key = JSON.stringify([agent, session ?? null]);
    let answers = this.#sessions.get(key);
    if (answers === undefined) {
      answers = new Map();
      this.#sessions.set(key, answers);
      for (const [oldest] of this.#sessions) {
        if (this.#sessions.size <= MAX_SESSIONS) break;
        this.#sessions.delete(oldest);
      }
    }
    return answers;
  }
}
