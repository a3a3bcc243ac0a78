import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../host/eventually';
import { rowAction, titled } from './support/actions';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { described } from './support/views';

/** A server that never answers, deaf to SIGTERM and to the end of its input, with a child of its own that is the same. */
function deafServer(marker: string): string {
  const deaf = `process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000);`;
  return `${deaf}
    const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(deaf)}], { stdio: 'ignore' });
    require('node:fs').writeFileSync(${JSON.stringify(marker)}, process.pid + ' ' + child.pid);`;
}

function stateOf(pid: number): { parent: number; runs: boolean } {
  try {
    const [state, parent] = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { parent: Number(parent), runs: state !== 'Z' };
  } catch {
    return { parent: 0, runs: false };
  }
}

describe('the extension host is killed', () => {
  const session = new Session();
  let marker = '';

  before(async function () {
    this.timeout(600_000);
    if (process.platform !== 'linux') this.skip();
    await session.start({}, async (workspace) => {
      marker = join(workspace, 'started');
      await writeServersFile(workspace, { servers: { deaf: { command: 'node', args: ['-e', deafServer(marker)] } } });
    });
  });

  after(() => session.dispose());

  inSteps((name) => session.workbench.screenshot(name));

  it('nothing of a server that was started outlives it', async () => {
    const { workbench } = session;
    await workbench.runCommand('MCP Secrets: Approve Server');
    await titled(workbench, 'Approve Server');
    await workbench.quickInput.pick('deaf');
    await workbench.dialogButton('Approve');
    await workbench.views.open('MCP Secrets');
    await described(workbench, 'Servers', 'deaf', / ready /);
    await rowAction(workbench, ['Servers', 'deaf', 'Start Server'], () =>
      Promise.resolve(existsSync(marker) && readFileSync(marker, 'utf8').includes(' ')),
    );
    const [child = 0, grandchild = 0] = readFileSync(marker, 'utf8').split(' ').map(Number);
    const host = stateOf(child).parent;
    assert.match(readFileSync(`/proc/${String(host)}/cmdline`, 'utf8'), /extensionHost/);
    assert.ok(stateOf(grandchild).runs);
    process.kill(host, 'SIGKILL');
    await eventually('the end of the server and its child', () => (stateOf(child).runs || stateOf(grandchild).runs ? undefined : true));
  });
});
