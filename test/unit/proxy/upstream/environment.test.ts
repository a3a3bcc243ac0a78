import assert from 'node:assert/strict';
import { childEnvironment, INHERITED_VARIABLES } from '../../../../src/proxy/upstream/environment';

describe('the environment of a child', () => {
  const ours = {
    PATH: '/bin',
    HOME: '/home/me',
    LANG: 'C.UTF-8',
    AWS_SECRET_ACCESS_KEY: 'aws',
    GITHUB_TOKEN: 'ambient',
    NODE_OPTIONS: '--require evil',
    LD_PRELOAD: '/evil.so',
    MCP_SECRETS_HOME: '/x',
    MCP_SECRETS_KEY_FILE: '/x/key',
    SSH_AUTH_SOCK: '/agent',
    npm_config__authToken: 'npm',
  };

  it('has what programs need, and nothing else of ours', function () {
    if (process.platform === 'win32') this.skip();
    assert.deepEqual(childEnvironment(ours, {}, {}), { PATH: '/bin', HOME: '/home/me', LANG: 'C.UTF-8' });
  });

  it('inherits no variable that could hold a credential or load code', () => {
    for (const name of INHERITED_VARIABLES) assert.doesNotMatch(name, /TOKEN|SECRET|KEY|PASS|AUTH|CRED|NODE_|LD_|DYLD|MCP|SSH|PROXY/i);
  });

  it('has the variables of the servers file, which may take inherited ones away', () => {
    assert.deepEqual(childEnvironment({ PATH: '/bin', HOME: '/home/me' }, { HOME: null, PATH: '/mine', DEBUG: '', GONE: null }, {}), {
      PATH: '/mine',
      DEBUG: '',
    });
  });

  it('has the bound secrets, over anything of the same name', () => {
    assert.deepEqual(
      childEnvironment({ GITHUB_TOKEN: 'ambient' }, { GITHUB_TOKEN: 'configured', OTHER: null }, { GITHUB_TOKEN: 'bound', OTHER: 'o' }),
      {
        GITHUB_TOKEN: 'bound',
        OTHER: 'o',
      },
    );
  });

  it('has no exported shell functions (Shellshock)', () => {
    assert.deepEqual(childEnvironment({ PATH: '() { :; }; echo evil', HOME: '/home/me' }, {}, {}), { HOME: '/home/me' });
  });

  it('is not fooled by names that mean something in JavaScript', () => {
    const made = childEnvironment({}, { constructor: 'c', toString: 't' }, {});
    assert.deepEqual(Object.entries(made), [
      ['constructor', 'c'],
      ['toString', 't'],
    ]);
    assert.deepEqual(childEnvironment({}, {}, {}), {});
  });
});
