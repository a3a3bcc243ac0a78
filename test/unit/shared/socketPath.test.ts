import assert from 'node:assert/strict';
import { isAbsolute } from 'node:path';
import { socketPath } from '../../../src/shared/socketPath';

const NAMES = ['XDG_RUNTIME_DIR', 'TMPDIR'] as const;

describe('the path of the socket', () => {
  const before = NAMES.map((name) => [name, process.env[name]] as const);
  const set = (name: (typeof NAMES)[number], value: string | undefined): void => {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  };
  afterEach(() => {
    for (const [name, value] of before) set(name, value);
  });

  const folders: readonly (readonly [string, string | undefined])[] = [
    ['nothing', undefined],
    ['an empty text', ''],
    ['a usual folder', '/run/user/1000'],
    ['a folder with a very long name', `/run/${'long/'.repeat(40)}`],
    ['a folder whose name is long in bytes', `/run/${'密'.repeat(30)}`],
  ];
  for (const [what, folder] of folders) {
    it(`fits into what systems allow when the environment names ${what}`, function () {
      if (process.platform === 'win32') this.skip();
      set('XDG_RUNTIME_DIR', folder);
      set('TMPDIR', folder);
      const path = socketPath('/home/me/project');
      assert.ok(Buffer.byteLength(path) <= 103, path);
      assert.ok(isAbsolute(path));
      if (folder === '/run/user/1000') assert.ok(path.startsWith(folder));
    });
  }

  it('is the same for one folder, another for another, and tells nothing of it', () => {
    assert.equal(socketPath('/home/me/project'), socketPath('/home/me/project'));
    assert.notEqual(socketPath('/home/me/project'), socketPath('/home/me/project2'));
    assert.doesNotMatch(socketPath('/home/me/customer-name'), /customer/);
    assert.ok(Buffer.byteLength(socketPath(`/home/${'long/'.repeat(500)}`)) <= 103);
  });
});
