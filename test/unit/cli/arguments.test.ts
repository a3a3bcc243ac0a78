import assert from 'node:assert/strict';
import { allowOptions, bindingOptions, numberOption, parseArguments } from '../../../src/cli/arguments';
import { refusal } from '../support/errors';

describe('a command line', () => {
  it('is taken apart into words, options and the command of a server', () => {
    assert.deepEqual(parseArguments(['server', 'add', 'x', '--secret', 'A', '--secret=B=body', '--', 'npx', '-y', '--json', '--', 'z']), {
      words: ['server', 'add', 'x'],
      options: Object.assign(Object.create(null), { secret: ['A', 'B=body'] }) as object,
      command: ['npx', '-y', '--json', '--', 'z'],
    });
    assert.deepEqual(parseArguments(['serve', '--']).command, []);
    assert.equal(parseArguments(['serve']).command, undefined);
  });

  for (const argv of [['--what'], ['-x'], ['--url'], ['--json=yes'], ['secret', 'list', '--jsn'], ['--secret'], ['--no-json']]) {
    it(`is wrong: ${argv.join(' ')}`, async () => {
      const error = await refusal('usage', () => parseArguments(argv));
      assert.match(error.message, /^[^\n]+\. See "mcp-secrets --help"\.$/);
    });
  }

  it('is refused without a repetition of what an option was given', async () => {
    for (const argv of [['--value=hunter2'], ['--json=hunter2'], ['--password', 'hunter2'], ['-phunter2']]) {
      const error = await refusal('usage', () => parseArguments(argv));
      assert.doesNotMatch(error.message, /hunter2/);
    }
  });

  it('may have only the options that its command knows, and --workspace', async () => {
    const input = parseArguments(['secret', 'list', '--json', '--workspace', '/w']);
    allowOptions(input, ['json']);
    const error = await refusal('usage', () => {
      allowOptions(input, ['scope']);
    });
    assert.match(error.message, /--json makes no sense here/);
  });

  it('has whole numbers where numbers are wanted', async () => {
    assert.deepEqual(
      [numberOption('port', undefined, 7, 100), numberOption('port', '0', 7, 100), numberOption('port', '100', 7, 100)],
      [7, 0, 100],
    );
    for (const text of ['', ' 1', '-1', '1.5', '1e2', '0x10', '101', '9999999999', 'x', '１'])
      await refusal('usage', () => numberOption('port', text, 7, 100));
    assert.equal(numberOption('timeout', '1', 7, 100, 1), 1);
    assert.match((await refusal('usage', () => numberOption('timeout', '0', 7, 100, 1))).message, /a whole number from 1 to 100\./);
  });

  describe('binds secrets', () => {
    it('in the mode that it names, else in the default of the server', () => {
      assert.deepEqual(bindingOptions(['a-b', 'C=bearer'], 'http'), { A_B: { as: 'header' }, C: { as: 'bearer' } });
      assert.deepEqual(bindingOptions(['a'], 'stdio'), { A: { as: 'env' } });
      assert.deepEqual(bindingOptions(['a'], 'function'), { A: { as: 'body' } });
      assert.deepEqual(bindingOptions([], 'http'), {});
    });

    for (const text of ['A=', 'A=cookie', 'A=Bearer', 'A=header=x', 'A= bearer']) {
      it(`not in a mode that there is not: ${text}`, async () => {
        await refusal('usage', () => bindingOptions([text], 'http'));
      });
    }

    it('not under a name that no secret can have', async () => {
      for (const text of ['', '=header', '--', '_=env']) await refusal('nameInvalid', () => bindingOptions([text], 'http'));
    });
  });
});
