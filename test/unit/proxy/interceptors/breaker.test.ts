import assert from 'node:assert/strict';
import type { Call, CallEnd } from '../../../../src/proxy/call';
import { Breaker } from '../../../../src/proxy/interceptors/breaker';
import { isSecretsError } from '../../../../src/shared/errors';
import { FixedClock } from '../../support/memory';

const DOWN: CallEnd = { outcome: 'error', errorKind: 'upstreamUnreachable' };
const OK: CallEnd = { outcome: 'ok' };

describe('the circuit breaker of a server', () => {
  let clock: FixedClock;
  let breaker: Breaker;

  beforeEach(() => {
    clock = new FixedClock();
    breaker = new Breaker({ clock, why: () => 'It cannot be reached.' });
  });

  const newCall = (server = 's'): Call => ({
    agent: 'a',
    server,
    id: 1,
    method: 'tools/call',
    tool: 't',
    startedAt: 0,
    scope: undefined,
    versions: {},
  });

  function refusal(call: Call): string | undefined {
    try {
      breaker.before(call);
      return undefined;
    } catch (error) {
      assert.ok(isSecretsError(error, 'serverResting'));
      return error.message;
    }
  }

  function run(end: CallEnd, server?: string): void {
    const call = newCall(server);
    breaker.before(call);
    breaker.after(call, end);
  }

  function failTimes(times: number): void {
    for (let n = 0; n < times; n += 1) run(DOWN);
  }

  it('opens after five failures in a row, and says why and for how long', () => {
    failTimes(5);
    assert.match(refusal(newCall()) ?? '', /"s" failed 5 times in a row .* tried again in 10 seconds.*It cannot be reached\.$/);
    clock.time += 4_000;
    assert.match(refusal(newCall()) ?? '', /in 6 seconds/);
    assert.equal(breaker.restsUntil('s'), clock.time + 6_000);
    assert.equal(refusal(newCall('other')), undefined);
  });

  it('tells the same end at each look, though the two clocks do not go quite alike', () => {
    failTimes(5);
    const told = breaker.restsUntil('s');
    for (const wrongBy of [0.4, 0.9, -0.7, 3]) {
      clock.wrongBy = wrongBy;
      assert.equal(breaker.restsUntil('s'), told);
    }
  });

  it('rests no longer when somebody sets the time back, and tells when it ends in the new time', () => {
    failTimes(5);
    clock.wrongBy = -3_600_000;
    assert.equal(breaker.restsUntil('s'), clock.now() + 10_000);
    clock.time += 10_000;
    assert.equal(refusal(newCall()), undefined);
  });

  it('does not open when an answer comes in between, be it an error of the server', () => {
    for (const end of [OK, { outcome: 'error', errorKind: 'tool' }, { outcome: 'error', errorKind: 'rpc:-32601' }] as const) {
      failTimes(4);
      run(end);
    }
    failTimes(4);
    assert.equal(refusal(newCall()), undefined);
  });

  it('does not count what is not the failure of the server', () => {
    for (const errorKind of ['locked', 'secretMissing', 'abandoned', 'cancelled', 'upstreamRefused', 'commandNotFound', 'serverBusy'])
      for (let n = 0; n < 6; n += 1) run({ outcome: 'error', errorKind });
    assert.equal(refusal(newCall()), undefined);
  });

  it('lets one call through when the time is over, and all when that is answered', () => {
    failTimes(5);
    clock.time += 10_000;
    const probe = newCall();
    assert.equal(refusal(probe), undefined);
    assert.match(refusal(newCall()) ?? '', /in 1 seconds/);
    breaker.after(probe, OK);
    assert.equal(refusal(newCall()), undefined);
    assert.equal(breaker.restsUntil('s'), undefined);
  });

  it('neither tries with a subscription nor learns from the end of one: that may be hours later', () => {
    const subscription = { ...newCall(), method: 'subscriptions/listen' };
    assert.equal(refusal(subscription), undefined);
    failTimes(4);
    breaker.after(subscription, OK);
    run(DOWN);
    assert.notEqual(refusal(newCall()), undefined, 'its end is no answer');
    clock.time += 10_000;
    assert.notEqual(refusal(subscription), undefined);
    assert.equal(refusal(newCall()), undefined, 'the try is still to be had');
  });

  it('waits twice as long after a try that fails, up to five minutes', () => {
    failTimes(5);
    for (const seconds of [10, 20, 40, 80, 160, 300, 300]) {
      assert.match(refusal(newCall()) ?? '', new RegExp(`in ${String(seconds)} seconds`));
      clock.time += seconds * 1_000;
      run(DOWN);
    }
  });

  it('a try that was cancelled says nothing: the next call is one', () => {
    failTimes(5);
    clock.time += 10_000;
    run({ outcome: 'error', errorKind: 'cancelled' });
    assert.equal(refusal(newCall()), undefined);
  });

  it('calls that were under way when it opened neither prolong the time nor are lost: an answer of theirs closes it', () => {
    const late = [newCall(), newCall()];
    for (const call of late) breaker.before(call);
    failTimes(5);
    clock.time += 5_000;
    for (const call of late.slice(1)) breaker.after(call, DOWN);
    assert.match(refusal(newCall()) ?? '', /in 5 seconds/);
    for (const call of late.slice(0, 1)) breaker.after(call, OK);
    assert.equal(refusal(newCall()), undefined);
  });

  it('is closed by whoever starts the server, or changes secrets', () => {
    failTimes(5);
    breaker.reset('other');
    assert.notEqual(refusal(newCall()), undefined);
    breaker.reset('s');
    assert.equal(refusal(newCall()), undefined);
    failTimes(5);
    breaker.reset();
    assert.equal(refusal(newCall()), undefined);
  });
});
