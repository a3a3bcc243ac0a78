import assert from 'node:assert/strict';
import fc from 'fast-check';
import { validateHeaderValue } from 'node:http';
import { checkSendable, render } from '../../../src/bindings/sendable';
import type { Binding, Mode, StdioServer } from '../../../src/bindings/server';
import { isSecretsError } from '../../../src/shared/errors';
import { anyText } from '../support/arbitraries';
import { outcomeOf, refusal } from '../support/errors';
import { bench } from '../support/vaults';

const binding = (mode: Mode, template = '${value}'): Binding => ({ secret: 'K', mode, name: 'X-K', template });
const MODES: readonly Mode[] = ['header', 'bearer', 'body', 'env'];

describe('what is sent for a secret', () => {
  it('is the template with the value in it, wherever it says so', () => {
    assert.equal(render(binding('header', 'Token ${value}'), Buffer.from('v'), 's'), 'Token v');
    assert.equal(render(binding('env', '${value}:${value}'), Buffer.from('v'), 's'), 'v:v');
  });

  it('is the value itself, whatever it may mean elsewhere', () => {
    for (const value of ['$&', "$'", '$`', '$1', '$$', '${value}', '%24%7Bvalue%7D', '\\u0041']) {
      for (const mode of MODES) {
        assert.equal(render(binding(mode), Buffer.from(value), 's'), value);
        assert.equal(render(binding(mode, 'a ${value} z'), Buffer.from(value), 's'), `a ${value} z`);
      }
    }
  });

  for (const mode of ['header', 'bearer'] as const) {
    for (const [what, value] of [
      ['a CR', 'a\rb'],
      ['an LF', 'a\nb'],
      ['a header of its own', 'a\r\nX-Admin: 1'],
      ['an LF at the end', 'token\n'],
      ['a NUL', 'a\0b'],
      ['an escape', 'a\x1bb'],
      ['a DEL', 'a\x7fb'],
    ] as const) {
      it(`cannot be ${what} as ${mode}`, async () => {
        const error = await refusal('secretUnsendable', () => render(binding(mode, 'Token ${value}'), Buffer.from(value), 'the-server'));
        assert.match(error.message, /\bK\b.*"the-server".*(line break|control character)/);
        assert.ok(!error.message.includes('X-Admin'));
      });
    }
  }

  it('cannot be a NUL in a variable, or bytes that are no text', async () => {
    await refusal('secretUnsendable', () => render(binding('env'), Buffer.from('a\0b'), 's'));
    for (const mode of MODES) {
      for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80]])
        await refusal('secretUnsendable', () => render(binding(mode), Buffer.from(bytes), 's'));
    }
  });

  it('can be several lines where that does no harm', () => {
    for (const mode of ['body', 'env'] as const) assert.equal(render(binding(mode), Buffer.from('a\r\nb\n'), 's'), 'a\r\nb\n');
  });

  it('keeps a byte order mark, which is part of the value', () => {
    assert.equal(render(binding('body'), Buffer.from('\ufeffv'), 's'), '\ufeffv');
  });

  it('in a header is the UTF-8 of the value, in a form that Node takes, or is refused', async () => {
    await fc.assert(
      fc.asyncProperty(anyText(1, 30), fc.constantFrom('${value}', 'Tökén ${value}'), async (value, template) => {
        let text = '';
        const error = await outcomeOf(() => (text = render(binding('header', template), Buffer.from(value), 's')));
        assert.equal(error !== undefined, /[\0-\x08\x0a-\x1f\x7f]/.test(value));
        if (error !== undefined) {
          assert.ok(isSecretsError(error, 'secretUnsendable'));
          return;
        }
        validateHeaderValue('X-K', text);
        assert.equal(
          Buffer.from(text, 'latin1').toString(),
          template.replace('${value}', () => value),
        );
      }),
    );
  });

  describe('is checked when a secret is bound', () => {
    const server: StdioServer = {
      name: 's',
      type: 'stdio',
      command: 'x',
      args: [],
      env: {},
      cwd: '/',
      bindings: [binding('env'), { ...binding('body'), secret: 'MISSING' }],
      scope: 'workspace',
    };

    it('and secrets that are not there yet are no obstacle', async () => {
      const { vault } = await bench({ K: 'fine' });
      await checkSendable(vault, server);
    });

    it('and refused if it cannot be', async () => {
      const { vault } = await bench({ K: 'a\0b' });
      await refusal('secretUnsendable', () => checkSendable(vault, server));
    });
  });
});
