import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Limits } from '../../../../src/bindings/limits';
import type { HttpServer } from '../../../../src/bindings/server';
import type { Call, Interceptor } from '../../../../src/proxy/call';
import { limits } from '../../../../src/proxy/interceptors/limits';
import { isSecretsError } from '../../../../src/shared/errors';
import { FixedClock } from '../../support/memory';

const REQUEST = { jsonrpc: '2.0', id: 1, method: 'tools/call' } as const;
const END = { outcome: 'ok' } as const;

const serverWith = (given: Limits, name = 's'): HttpServer => ({
  name,
  type: 'http',
  url: 'https://a/',
  headers: {},
  bindings: [],
  scope: 'workspace',
  limits: given,
});

const newCall = (method = 'tools/call', server = 's'): Call => ({
  agent: 'a',
  server,
  id: 1,
  method,
  tool: 't',
  startedAt: 0,
  scope: undefined,
  versions: {},
});

/** What became of a call so far. */
class Tried {
  state: 'waiting' | 'running' | 'refused' = 'waiting';
  kind: string | undefined;

  readonly call: Call;

  constructor(call: Call, interceptor: Interceptor, server: HttpServer) {
    this.call = call;
    const refused = (error: unknown): void => {
      this.state = 'refused';
      this.kind = isSecretsError(error) ? error.kind : 'other';
    };
    try {
      const wait = interceptor.before?.(call, server, REQUEST);
      if (wait === undefined) this.state = 'running';
      else
        wait.then(() => {
          this.state = 'running';
        }, refused);
    } catch (error) {
      refused(error);
    }
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the limits of a server', () => {
  const clock = new FixedClock();

  describe('calls at a time', () => {
    it('others wait in order; those that find the queue full are refused', async () => {
      const interceptor = limits(clock);
      const server = serverWith({ concurrency: 2, queue: 2 });
      const tried = Array.from({ length: 5 }, () => new Tried(newCall(), interceptor, server));
      await settled();
      assert.deepEqual(
        tried.map(({ state }) => state),
        ['running', 'running', 'waiting', 'waiting', 'refused'],
      );
      assert.equal(tried[4]?.kind, 'serverBusy');
      for (const index of [1, 4]) interceptor.after?.(tried[index]?.call ?? newCall(), END);
      await settled();
      assert.deepEqual(
        tried.slice(2, 4).map(({ state }) => state),
        ['running', 'waiting'],
      );
      interceptor.after?.(tried[0]?.call ?? newCall(), END);
      await settled();
      assert.equal(tried[3]?.state, 'running');
    });

    it('a call that is given up while it waits frees its place in the queue, and takes none of those at work', async () => {
      const interceptor = limits(clock);
      const server = serverWith({ concurrency: 1, queue: 1 });
      const [first, second] = [new Tried(newCall(), interceptor, server), new Tried(newCall(), interceptor, server)];
      interceptor.after?.(second.call, { outcome: 'error', errorKind: 'abandoned' });
      await settled();
      assert.equal(second.state, 'refused');
      const third = new Tried(newCall(), interceptor, server);
      interceptor.after?.(first.call, END);
      await settled();
      assert.equal(third.state, 'running');
    });

    it('handshakes, pings and subscriptions pass always, and take no place; servers do not share', () => {
      const interceptor = limits(clock);
      const server = serverWith({ concurrency: 1, queue: 0 });
      assert.equal(new Tried(newCall('subscriptions/listen'), interceptor, server).state, 'running');
      assert.equal(new Tried(newCall(), interceptor, server).state, 'running');
      for (const method of ['initialize', 'ping', 'subscriptions/listen'])
        assert.equal(new Tried(newCall(method), interceptor, server).state, 'running');
      assert.equal(new Tried(newCall('tools/call', 't'), interceptor, serverWith({ concurrency: 1, queue: 0 }, 't')).state, 'running');
      assert.equal(new Tried(newCall(), interceptor, server).state, 'refused');
    });

    it('never more than allowed run, and everybody gets a turn, in any order of coming and going', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 4 }),
          fc.array(fc.option(fc.nat({ max: 30 })), { maxLength: 60 }),
          async (concurrency, steps) => {
            const interceptor = limits(clock);
            const server = serverWith({ concurrency, queue: 1_000 });
            const open: Tried[] = [];
            const running = (): number => open.filter(({ state }) => state === 'running').length;
            for (const step of steps) {
              if (step === null) open.push(new Tried(newCall(), interceptor, server));
              else if (open.length > 0) {
                const [gone] = open.splice(step % open.length, 1);
                if (gone !== undefined) interceptor.after?.(gone.call, END);
              }
              await settled();
              assert.equal(running(), Math.min(concurrency, open.length));
            }
          },
        ),
        { numRuns: 50 },
      );
    });
  });

  describe('calls in a span of time', () => {
    it('so many at once, then as time goes by', () => {
      const time = new FixedClock();
      const interceptor = limits(time);
      const server = serverWith({ rate: { calls: 3, perMs: 60_000 } });
      const one = (): string => {
        const { state, call } = new Tried(newCall(), interceptor, server);
        interceptor.after?.(call, END);
        return state;
      };
      assert.deepEqual([one(), one(), one(), one()], ['running', 'running', 'running', 'refused']);
      time.time += 19_000;
      assert.equal(one(), 'refused');
      time.time += 1_000;
      assert.deepEqual([one(), one()], ['running', 'refused']);
      time.time += 3_600_000;
      assert.deepEqual([one(), one(), one(), one()], ['running', 'running', 'running', 'refused']);
    });

    it('a time of day that is set back or ahead gives nothing away', () => {
      const time = new FixedClock();
      const interceptor = limits(time);
      const server = serverWith({ rate: { calls: 1, perMs: 1_000 } });
      const one = (): string => new Tried(newCall(), interceptor, server).state;
      assert.equal(one(), 'running');
      for (const wrongBy of [-1_000_000, 1_000_000]) {
        time.wrongBy = wrongBy;
        assert.equal(one(), 'refused');
      }
      time.time += 1_000;
      assert.equal(one(), 'running');
    });
  });
});
