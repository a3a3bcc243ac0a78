import assert from 'node:assert/strict';
import { Sessions } from '../../../src/proxy/front/sessions';
import { ServerStates } from '../../../src/proxy/serverStates';
import { SecretsError } from '../../../src/shared/errors';

describe('the state of a server', () => {
  let states = new ServerStates(new Sessions(() => undefined));
  let news: string[] = [];
  beforeEach(() => {
    states = new ServerStates(new Sessions(() => undefined));
    news = [];
    states.onDidChange((server) => news.push(`${server} ${states.get(server).state}`));
  });

  const missing = new SecretsError('secretMissing', { names: ['K'], server: 's' });
  const closed = new SecretsError('upstreamClosed', { server: 't' });

  it('is failed for want of a secret until secrets are changed; other failures stay', () => {
    states.failed('s', missing);
    states.failed('t', closed);
    assert.deepEqual([states.get('s').state, states.get('s').error], ['failed', missing.message]);
    states.secretsChanged();
    assert.deepEqual([states.get('s').state, states.get('t').state], ['idle', 'failed']);
    states.secretsChanged();
    assert.deepEqual(news, ['s failed', 't failed', 's idle']);
  });

  it('is not failed because the vault was locked', () => {
    states.failed('s', new SecretsError('locked', {}));
    assert.equal(states.get('s').state, 'idle');
  });

  it('is forgotten by a reset, which is news; a stopped server stays so', () => {
    states.answered('a');
    states.failed('t', closed);
    states.stop('b');
    news.length = 0;
    states.reset();
    assert.deepEqual(news.sort(), ['a idle', 't idle']);
    assert.equal(states.get('b').state, 'stopped');
  });
});
