import assert from 'node:assert/strict';
import { uiLimitMs } from '../host/eventually';
import type { Workbench } from '../host/workbench';
import { addSecret, giveValue, rowAction, titleOf } from './support/actions';
import { tokenCanary } from './support/canary';
import { goTo, offered, ourProblems, writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { described, rowOf } from './support/views';

interface Malformed {
  readonly what: string;
  readonly lines: readonly string[];
  /** The line of the problem, counted from 1. */
  readonly line: number;
  readonly message: string;
  /** The row in the view Servers. */
  readonly row: string;
}

const open = ['{', '  "servers": {'];
const close = ['  }', '}'];

const cases: readonly Malformed[] = [
  {
    what: 'a syntax error',
    lines: [...open, '    "github" { "url": "https://a.example/mcp" }', ...close],
    line: 3,
    message: 'Syntax error: Colon Expected.',
    row: 'mcp-secrets.json',
  },
  {
    what: 'an unknown field',
    lines: [...open, '    "github": {', '      "url": "https://a.example/mcp",', '      "tokn": "x"', '    }', ...close],
    line: 5,
    message: 'Unknown field "tokn".',
    row: 'github',
  },
  {
    what: 'two servers of one name',
    lines: [...open, '    "github": { "url": "https://a.example/mcp" },', '    "github": { "url": "https://b.example/mcp" }', ...close],
    line: 4,
    message: 'There are two servers named "github".',
    row: 'github',
  },
  {
    what: 'a mode that does not exist',
    lines: [...open, '    "github": {', '      "url": "https://a.example/mcp",', '      "secrets": { "KEY": "cookie" }', '    }', ...close],
    line: 5,
    message: 'The mode must be "header", "bearer", "body" or "env".',
    row: 'github',
  },
  {
    what: 'a mode that this type of server does not have',
    lines: [...open, '    "local": {', '      "command": "node",', '      "secrets": { "KEY": "bearer" }', '    }', ...close],
    line: 5,
    message: 'stdio',
    row: 'local',
  },
];

describe('a servers file with mistakes', () => {
  const session = new Session();
  let workbench: Workbench;

  before(async function () {
    this.timeout(600_000);
    await session.start({}, (workspace) => writeServersFile(workspace, { servers: {} }));
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    await workbench.runCommand('MCP Secrets: Open Servers File');
    await workbench.page.locator('.monaco-editor .view-line').first().waitFor({ timeout: uiLimitMs });
  });

  after(() => session.dispose());

  inSteps((name) => workbench.screenshot(name));

  for (const { what, lines, line, message, row } of cases) {
    it(`shows ${what} on its line, in the Problems panel and in the tree`, async () => {
      await writeServersFile(session.workspace, `${lines.join('\n')}\n`);
      const problems = await ourProblems(workbench, message);
      const problem = problems.find((text) => text.includes(message)) ?? '';
      assert.match(problem, new RegExp(`\\bline ${String(line)}\\b`), problem);
      await described(workbench, 'Servers', row, new RegExp(`^line ${String(line)}: `));
      const { description, ariaLabel } = await rowOf(workbench, 'Servers', row);
      assert.ok(description.includes(message), description);
      assert.ok(ariaLabel.startsWith(`${row} has an error, line ${String(line)}`), ariaLabel);
      await workbench.screenshot(`bad-${what.replace(/\W+/g, '-')}`);
    });
  }

  it('shows the servers again when the mistake is corrected', async () => {
    await writeServersFile(session.workspace, {
      servers: { github: { url: 'https://a.example/mcp', secrets: { GITHUB_TOKEN: 'bearer' } } },
    });
    await described(workbench, 'Servers', 'github', /^http · needs approval · 1 secret$/);
    const problems = await ourProblems(workbench, 'The secret GITHUB_TOKEN does not exist yet.');
    assert.equal(problems.length, 1, problems.join(' | '));
    assert.match(problems.join(), /^Warning/);
  });

  it('shows a missing secret, and offers to add it right there', async () => {
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^missing · bound to github$/);
    await workbench.screenshot('bad-missing-secret');
    await rowAction(workbench, ['Secrets', 'GITHUB_TOKEN', 'Add Secret'], titleOf(workbench, 'Add Secret GITHUB_TOKEN'));
    await giveValue(workbench, 'Add Secret GITHUB_TOKEN', tokenCanary('ghp_'));
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v1 · just now · github$/);
    await workbench.page.locator('.markers-panel').getByText('does not exist yet').waitFor({ state: 'detached', timeout: uiLimitMs });
  });

  it('completes the names of secrets, and the modes of the type of server', async () => {
    await addSecret(workbench, 'LINEAR_API_KEY', tokenCanary('lin_api_'));
    const lines = [
      ...open,
      '    "linear": {',
      '      "type": "stdio",',
      '      "command": "node",',
      '      "secrets": { "" }',
      '    }',
      ...close,
    ];
    await writeServersFile(session.workspace, `${lines.join('\n')}\n`);
    await ourProblems(workbench, 'Syntax error');
    await goTo(workbench, 6, 21);
    const names = await offered(workbench, 'LINEAR_API_KEY');
    await workbench.screenshot('bad-complete-name');
    assert.ok(names.includes('GITHUB_TOKEN'), names.join(' '));
    await workbench.page.locator('.suggest-widget.visible').getByText('LINEAR_API_KEY').first().click();
    const written = '      "secrets": { "LINEAR_API_KEY": "env" }';
    await workbench.page
      .locator('.view-line')
      .filter({ hasText: /"LINEAR_API_KEY":\s"env"/ })
      .waitFor({ timeout: uiLimitMs });
    await goTo(workbench, 6, written.indexOf('env"') + 1);
    const modes = (await offered(workbench, 'body')).map((label) => label.replaceAll('"', ''));
    await workbench.screenshot('bad-complete-mode');
    assert.ok(modes.includes('env') && modes.includes('body'), modes.join(' '));
    await workbench.page.keyboard.press('Escape');
    await workbench.runCommand('File: Save');
    await described(workbench, 'Servers', 'linear', /^stdio · needs approval · 1 secret$/);
    assert.ok(!modes.includes('bearer') && !modes.includes('header'), modes.join(' '));
  });
});
