import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { GivenValues } from '../../../src/proxy/givenValues';
import type { OpenedSecret } from '../../../src/vault/secret';
import { FixedClock } from '../support/memory';

const OLD = 'the-former-value';
const NEW = 'the-current-value';

const opened = (value: string, name = 'K'): OpenedSecret => ({ name, version: 1, seal: `seal of ${value}`, value: Buffer.from(value) });

describe('the values that a server was given', () => {
  it('are still found after they were replaced, also when they are given to nobody any more', () => {
    const given = new GivenValues(new FixedClock());
    given.give('one', [opened(OLD)]);
    const redactor = given.give('one', [opened(NEW)]);
    assert.equal(redactor.text(`${OLD} ${NEW}`), '[redacted:K] [redacted:K]');
    assert.equal(given.give('one', []).text(OLD), '[redacted:K]');
  });

  it('are found in what another server says where that is wanted, but for short ones', () => {
    const given = new GivenValues(new FixedClock());
    const short = opened('word', 'W');
    given.give('one', [opened(OLD), short]);
    const own = given.give('two', [opened(NEW)]);
    assert.equal(own.text(OLD), OLD);
    assert.equal(given.widened('two', own).text(`${OLD} ${NEW} word`), '[redacted:K] [redacted:K] word');
    assert.equal(given.widened('three', given.give('three', [])).text(`${OLD} ${NEW} word`), '[redacted:K] [redacted:K] word');
    const ofOne = given.give('one', []);
    assert.equal(given.widened('one', ofOne).text(`${OLD} ${NEW} word`), '[redacted:K] [redacted:K] [redacted:W]');
  });

  it('cost nothing to look for when they are the same as before, of whichever server', () => {
    const given = new GivenValues(new FixedClock());
    const own = given.give('one', [opened(OLD)]);
    assert.equal(given.widened('one', own), own);
    given.give('two', [opened(NEW)]);
    const both = given.widened('one', own);
    given.give('two', [opened(NEW)]);
    assert.equal(given.widened('one', own), both);
    assert.equal(given.widened('three', given.give('three', [])), given.widened('three', given.give('three', [])));
    given.give('three', [opened('a third value')]);
    assert.equal(given.widened('one', own).text('a third value'), '[redacted:K]');
  });

  it('stay as long as their server is known to have them', async () => {
    const clock = new FixedClock();
    const given = new GivenValues(clock, 20);
    const kept = opened(OLD);
    given.give('one', [kept, opened(NEW, 'L')]);
    clock.time += 15;
    given.keep('one', [kept.seal, 'the seal of nothing']);
    given.keep('nobody', [kept.seal]);
    clock.time += 15;
    while (given.widened('two', given.give('two', [])).text(NEW) !== NEW) await setTimeout(1);
    assert.equal(given.widened('two', given.give('two', [])).text(OLD), '[redacted:K]');
    given.forget();
    assert.equal(given.widened('two', given.give('two', [])).text(OLD), OLD);
  });

  it('need no work when they are the same as before', () => {
    const given = new GivenValues(new FixedClock());
    const first = given.give('one', [opened(OLD), opened(NEW, 'L')]);
    assert.ok(given.give('one', [opened(NEW, 'L'), opened(OLD)]) === first);
    assert.ok(given.give('one', [opened(OLD)]) === first);
  });

  it('outlive the Buffers that they came in', () => {
    const given = new GivenValues(new FixedClock());
    const secret = opened(OLD);
    given.give('one', [secret]);
    secret.value.fill(0);
    assert.equal(given.give('one', []).text(OLD), '[redacted:K]');
  });

  it('are forgotten some time after they were given last, each by itself', async () => {
    const clock = new FixedClock();
    const given = new GivenValues(clock, 20);
    given.give('one', [opened(OLD), opened(NEW, 'L')]);
    const used = given.give('two', [opened(OLD)]);
    clock.time += 15;
    given.give('one', [opened(NEW, 'L')]);
    clock.time += 15;
    while (given.give('one', []).text(OLD) !== OLD) await setTimeout(1);
    assert.equal(given.give('one', []).text(NEW), '[redacted:L]');
    assert.equal(given.give('two', []).text(OLD), OLD);
    // What is under way goes on searching.
    assert.equal(used.text(OLD), '[redacted:K]');
  });

  it('are forgotten at once when the vault is locked', () => {
    const given = new GivenValues(new FixedClock());
    given.give('one', [opened(OLD)]);
    given.forget();
    assert.equal(given.give('one', []).text(OLD), OLD);
  });

  it('are forgotten when their time is over, not later, however busy the time before was', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const clock = new FixedClock();
      const given = new GivenValues(clock, 100);
      const pass = (ms: number): void => {
        clock.time += ms;
        mock.timers.tick(ms);
      };
      given.give('one', [opened(OLD)]);
      pass(1);
      given.give('one', [opened(OLD)]);
      pass(99);
      assert.equal(given.give('one', []).text(OLD), '[redacted:K]');
      pass(1);
      assert.equal(given.give('one', []).text(OLD), OLD);
    } finally {
      mock.timers.reset();
    }
  });
});
