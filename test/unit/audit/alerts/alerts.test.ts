import assert from 'node:assert/strict';
import { entryOf } from '../../../../src/audit/alerts/alert';
import type { Alert, RuleName } from '../../../../src/audit/alerts/alert';
import { Alerts } from '../../../../src/audit/alerts/alerts';
import type { AuditEntry } from '../../../../src/audit/entry';
import { FixedClock } from '../../support/memory';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('alerts', () => {
  let clock: FixedClock;
  let alerts: Alerts;
  let raised: Alert[];
  let off: Partial<Record<RuleName, boolean>>;

  function watch(): void {
    alerts = new Alerts({ clock, rules: () => off });
    raised = [];
    alerts.onDidRaise((alert) => raised.push(alert));
  }

  beforeEach(() => {
    clock = new FixedClock();
    off = {};
    watch();
  });

  const at = (): string => new Date(clock.time).toISOString();
  const call = (change: Partial<AuditEntry> = {}): AuditEntry => ({
    time: at(),
    actor: 'agent',
    action: 'call',
    agent: 'Claude',
    server: 'github',
    secrets: ['TOKEN'],
    outcome: 'ok',
    ...change,
  });
  const refusal = (change: Partial<AuditEntry> = {}): AuditEntry => ({
    time: at(),
    actor: 'agent',
    action: 'agent.refuse',
    outcome: 'refused',
    errorKind: 'tokenWrong',
    ...change,
  });
  const rules = (): RuleName[] => raised.map(({ rule }) => rule);
  const known = (): void => {
    alerts.learn(call());
  };

  describe('of tools that a server changes', () => {
    const change = (errorKind: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
      time: at(),
      actor: 'product',
      action: 'tools.change',
      server: 'github',
      tool: 'add\u202e',
      outcome: 'refused',
      errorKind,
      ...more,
    });

    it('say which, and what it is about', () => {
      const words: Record<string, RegExp> = {
        toolChanged: /^Server "github" has changed what it says of "add\\u202e" and 2 more since/,
        toolFlagged: /suspicious texts: "add\\u202e" and 2 more\. They are blocked/,
        toolNew: /did not have before: "add\\u202e" and 2 more/,
        textFlagged: /a prompt or resource with a suspicious text.*It was passed on/,
      };
      for (const [errorKind, pattern] of Object.entries(words)) {
        watch();
        alerts.observe(change(errorKind, { count: 3 }));
        assert.deepEqual(rules(), ['toolsChanged']);
        assert.match(raised[0]?.message ?? '', pattern);
        assert.equal(raised[0]?.server, 'github');
      }
    });

    it('come once for what is found together, and can be switched off', () => {
      alerts.observe(change('toolChanged'));
      alerts.observe(change('toolNew'));
      assert.deepEqual(rules(), ['toolsChanged']);
      clock.time += MINUTE;
      alerts.observe(change('toolChanged'));
      assert.deepEqual(rules(), ['toolsChanged', 'toolsChanged']);
      off.toolsChanged = false;
      clock.time += MINUTE;
      alerts.observe(change('toolChanged'));
      assert.equal(raised.length, 2);
    });

    it('are not followed by one for each call that is refused', () => {
      known();
      for (const errorKind of ['toolChanged', 'toolNew', 'toolFlagged']) alerts.observe(call({ outcome: 'refused', errorKind }));
      assert.deepEqual(rules(), []);
    });
  });

  describe('of refused tokens', () => {
    it('come with the fifth in a minute', () => {
      for (let i = 0; i < 4; i += 1) alerts.observe(refusal());
      assert.deepEqual(rules(), []);
      clock.time += MINUTE - 1;
      alerts.observe(refusal());
      assert.deepEqual(rules(), ['tokensRefused']);
      assert.match(raised[0]?.message ?? '', /^5 requests/);
    });

    it('do not come for five in a longer time', () => {
      for (let i = 0; i < 20; i += 1) {
        alerts.observe(refusal());
        clock.time += MINUTE / 4;
      }
      assert.deepEqual(raised, []);
    });

    it('do not come for five in a longer time, though somebody has set the time back meanwhile', () => {
      alerts.observe(refusal({ count: 4 }));
      clock.wrongBy = -60 * MINUTE;
      clock.time += 30 * MINUTE;
      alerts.observe(refusal());
      assert.deepEqual(raised, []);
    });

    it('count what one entry stands for', () => {
      alerts.observe(refusal({ count: 5000 }));
      assert.match(raised[0]?.message ?? '', /^5000 requests/);
    });
  });

  describe("of an agent's first call", () => {
    it('come once', () => {
      alerts.observe(call());
      clock.time += 2 * HOUR;
      alerts.observe(call());
      assert.deepEqual(rules(), ['newAgent']);
      assert.equal(raised[0]?.agent, 'Claude');
    });

    it('do not come for one that called in the past, but for one that only got a token', () => {
      known();
      alerts.learn(call({ agent: 'Codex', action: 'agent.issue' }));
      alerts.observe(call());
      alerts.observe(call({ agent: 'Codex' }));
      assert.deepEqual(
        raised.map(({ agent }) => agent),
        ['Codex'],
      );
    });

    it('show what is hidden in its name', () => {
      alerts.observe(call({ agent: 'Cl\u202eaude' }));
      assert.match(raised[0]?.message ?? '', /"Cl\\u202eaude"/);
    });
  });

  describe('of a denied call', () => {
    it('come with agent, server and reason, once an hour', () => {
      known();
      const denied = (): void => {
        alerts.observe(call({ outcome: 'refused', errorKind: 'serverUnapproved' }));
      };
      denied();
      clock.time += HOUR - 1;
      denied();
      assert.deepEqual(
        raised.map(({ agent, server }) => [agent, server]),
        [['Claude', 'github']],
      );
      assert.match(raised[0]?.message ?? '', /serverUnapproved/);
      clock.time += 1;
      denied();
      assert.equal(raised.length, 2);
    });

    it('are not silenced by one from the future, of a clock that was wrong', () => {
      known();
      alerts.learn({
        ...entryOf({ rule: 'callDenied', severity: 'warning', message: '', agent: 'Claude', server: 'github' }),
        time: new Date(clock.time + 365 * DAY).toISOString(),
      });
      const denied = (): void => {
        alerts.observe(call({ outcome: 'refused', errorKind: 'serverUnapproved' }));
      };
      denied();
      denied();
      assert.deepEqual(rules(), ['callDenied']);
      // The other way round: this one was raised before the clock was set right.
      clock.time -= 30 * DAY;
      denied();
      denied();
      assert.deepEqual(rules(), ['callDenied', 'callDenied']);
    });

    it('do not come for calls that failed', () => {
      known();
      alerts.observe(call({ outcome: 'error', errorKind: 'tool' }));
      assert.deepEqual(raised, []);
    });

    it('leave an expired secret to its own rule', () => {
      known();
      alerts.noteExpired('TOKEN', 'github');
      alerts.observe(call({ outcome: 'refused', errorKind: 'secretExpired' }));
      assert.deepEqual(rules(), ['secretExpired']);
      assert.deepEqual(raised[0]?.secrets, ['TOKEN']);
    });
  });

  describe('of an unused secret', () => {
    const secret = { name: 'TOKEN', updatedAt: 0 };

    beforeEach(() => {
      secret.updatedAt = clock.time;
    });

    it('come 90 days after its last use or change', () => {
      clock.time += 50 * DAY;
      known();
      clock.time += 90 * DAY - 1;
      alerts.checkUnused([secret]);
      assert.deepEqual(raised, []);
      clock.time += 1;
      alerts.checkUnused([secret, { name: 'OTHER', updatedAt: clock.time - 3 * DAY }]);
      assert.deepEqual(
        raised.map(({ rule, secrets }) => [rule, secrets]),
        [['secretUnused', ['TOKEN']]],
      );
    });

    it('tell scopes apart, and do not take a refused call for a use', () => {
      clock.time += 89 * DAY;
      alerts.observe(call({ scope: 'work' }));
      alerts.observe(call({ outcome: 'refused' }));
      clock.time += DAY;
      raised.length = 0;
      alerts.checkUnused([secret, { ...secret, scope: 'work' }]);
      assert.deepEqual(
        raised.map(({ scope }) => scope),
        [undefined],
      );
    });

    it('are not repeated every day, also not after a restart', () => {
      clock.time += 90 * DAY;
      alerts.checkUnused([secret]);
      const [first] = raised;
      assert.ok(first !== undefined);
      const written = { time: at(), ...entryOf(first) };
      clock.time += DAY;
      alerts.checkUnused([secret]);
      assert.equal(raised.length, 1);
      watch();
      alerts.learn(written);
      alerts.checkUnused([secret]);
      assert.deepEqual(raised, []);
    });
  });

  it('of a rule that is switched off do not come', () => {
    off = { tokensRefused: false, newAgent: false, secretExpired: false, callDenied: false, secretUnused: false };
    alerts.observe(refusal({ count: 9 }));
    alerts.observe(call({ outcome: 'refused' }));
    alerts.noteExpired('A', 'b');
    alerts.checkUnused([{ name: 'A', updatedAt: 0 }]);
    assert.deepEqual(raised, []);
    off = { newAgent: false };
    alerts.observe(call({ agent: 'Zed', outcome: 'refused' }));
    assert.deepEqual(rules(), ['callDenied']);
  });

  it('are not raised by what a locked vault refuses: whoever locked it knows', () => {
    alerts.learn(call());
    for (const errorKind of ['locked', 'passphraseNeeded']) alerts.observe(call({ outcome: 'refused', errorKind }));
    assert.deepEqual(raised, []);
  });

  it('are entries of the trail, which raise nothing', () => {
    alerts.onDidRaise((alert) => {
      alerts.observe({ time: at(), ...entryOf(alert) });
    });
    alerts.observe(call({ outcome: 'refused', errorKind: 'serverUnapproved' }));
    assert.deepEqual(rules(), ['newAgent', 'callDenied']);
    assert.deepEqual(entryOf(raised[1] ?? assert.fail()), {
      actor: 'product',
      action: 'alert',
      rule: 'callDenied',
      agent: 'Claude',
      server: 'github',
      outcome: 'ok',
    });
  });
});
