/** The load generator's process: does what the bench asks over the IPC channel, one request at a time. */
import { randomBytes } from 'node:crypto';
import type { Block, BlockResult, LoadRequest, LoadResponse } from './loadProtocol';
import { Session } from './session';

const textLength = 256;
const filler = randomBytes(textLength).toString('hex');
const sessions = new Map<string, Session>();
let calls = 0;

/** A text of 256 bytes that no other call has, so that an answer cannot be someone else's. */
function nextText(): string {
  return (String(++calls).padStart(12, '0') + filler).slice(0, textLength);
}

async function echo(session: Session): Promise<number> {
  const text = nextText();
  const answer = await session.call('echo', { text });
  if (answer.text !== text) {
    throw new Error(`echo returned another text: ${answer.text}`);
  }
  return answer.milliseconds;
}

async function run(session: Session, block: Block): Promise<BlockResult> {
  const latencies: number[] = [];
  let errors = 0;
  let firstError: string | undefined;
  const stretch = async (count: number, record: (milliseconds: number) => void): Promise<void> => {
    let left = count;
    const lane = async (): Promise<void> => {
      while (left-- > 0) {
        try {
          record(await echo(session));
        } catch (error) {
          errors += 1;
          firstError ??= String(error);
        }
      }
    };
    await Promise.all(Array.from({ length: block.inFlight }, lane));
  };
  await stretch(block.warmup, () => undefined);
  const startedAt = performance.now();
  await stretch(block.calls, (milliseconds) => latencies.push(milliseconds));
  const elapsedMilliseconds = performance.now() - startedAt;
  session.dropConnections();
  return { latencies, elapsedMilliseconds, errors, firstError };
}

function existing(name: string): Session {
  const session = sessions.get(name);
  if (session === undefined) {
    throw new Error(`no session ${name}`);
  }
  return session;
}

async function answer(asked: LoadRequest): Promise<string | BlockResult | undefined> {
  switch (asked.kind) {
    case 'open':
      sessions.set(asked.session, await Session.open(asked.endpoint));
      return undefined;
    case 'call':
      return (await existing(asked.session).call(asked.tool, asked.args)).text;
    case 'run':
      return run(existing(asked.session), asked.block);
    case 'close':
      await existing(asked.session).close();
      sessions.delete(asked.session);
      return undefined;
  }
}

function respond(response: LoadResponse): void {
  process.send?.(response);
}

process.on('message', (asked: LoadRequest) => {
  answer(asked).then(
    (value) => {
      respond({ ok: true, value });
    },
    (error: unknown) => {
      respond({ ok: false, error: String(error) });
    },
  );
});
// The bench is gone, however it went.
process.on('disconnect', () => process.exit(0));
