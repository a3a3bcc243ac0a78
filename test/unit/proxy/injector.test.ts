import assert from 'node:assert/strict';
import type { Binding, HttpServer, Mode, Server } from '../../../src/bindings/server';
import { Expiry } from '../../../src/proxy/expiry';
import { Exposure } from '../../../src/proxy/exposure';
import { addSecrets, Injector } from '../../../src/proxy/injector';
import type { Injection } from '../../../src/proxy/injector';
import type { Message } from '../../../src/proxy/jsonRpc';
import { Vault } from '../../../src/vault/vault';
import type { OpenedSecret, SecretReader } from '../../../src/vault/secret';
import { refusal } from '../support/errors';
import { FixedClock, RecordingLogger } from '../support/memory';
import { bench } from '../support/vaults';

const binding = (secret: string, mode: Mode, name = secret, template = '${value}'): Binding => ({ secret, mode, name, template });
const server = (...bindings: Binding[]): HttpServer => ({
  name: 'srv',
  type: 'http',
  url: 'https://a/',
  headers: {},
  bindings,
  scope: 'workspace',
});
const inject = (secrets: SecretReader, to: Server, modes?: readonly Mode[]): Promise<Injection> =>
  new Injector(secrets, new Expiry({ clock: new FixedClock(), logger: new RecordingLogger() })).inject(to, modes);

describe('what one request gets', () => {
  it('is exactly the bound secrets, each where its binding says', async () => {
    const { vault } = await bench({ A: 'value-of-a', B: 'value-of-b', C: 'value-of-c', D: 'value-of-d', OTHER: 'not for this server' });
    const made = await inject(
      vault,
      server(
        binding('A', 'header', 'X-A'),
        binding('B', 'bearer', 'Authorization', 'Bearer ${value}'),
        binding('C', 'env'),
        binding('D', 'body', 'd'),
      ),
    );
    assert.deepEqual(
      [{ ...made.headers }, { ...made.env }, { ...made.body }],
      [{ 'X-A': 'value-of-a', Authorization: 'Bearer value-of-b' }, { C: 'value-of-c' }, { d: 'value-of-d' }],
    );
    assert.deepEqual({ ...made.versions }, { A: 1, B: 1, C: 1, D: 1 });
    assert.doesNotMatch(JSON.stringify([made.headers, made.env, made.body]), /not for this/);
    assert.equal(made.redactor.text('value-of-a value-of-d not for this server'), '[redacted:A] [redacted:D] not for this server');
  });

  it('is only the bindings of some modes where only those are wanted', async () => {
    const { vault } = await bench({ A: 'value-of-a' });
    const both = server(binding('A', 'env'), binding('MISSING', 'body'));
    const made = await inject(vault, both, ['env']);
    assert.deepEqual([{ ...made.env }, { ...made.body }], [{ A: 'value-of-a' }, {}]);
    await refusal('secretMissing', () => inject(vault, both));
  });

  it('is nothing for a server without bindings, which needs no key', async () => {
    const { vault, keys } = await bench({ A: 'a' });
    keys.keys.clear();
    vault.refresh();
    const made = await inject(vault, server());
    for (const placed of [made.headers, made.env, made.body]) assert.deepEqual(Object.keys(placed), []);
    assert.equal(made.redactor.isEmpty, true);
  });

  it('is refused with every missing name and the server', async () => {
    const { vault } = await bench({ A: 'a' });
    const error = await refusal('secretMissing', () =>
      inject(vault, server(binding('X', 'header'), binding('A', 'header'), binding('Y', 'body'))),
    );
    assert.deepEqual(error.details, { names: ['X', 'Y'], server: 'srv' });
  });

  it('is of the scope of its server and of no other', async () => {
    const { vault } = await bench({ A: 'of-the-workspace', B: 'of-the-workspace' });
    await vault.set('A', Buffer.from('of-the-job'), 'user', 'job');
    const work = { ...server(binding('A', 'header', 'X')), scope: 'job' };
    assert.equal((await inject(vault, work)).headers.X, 'of-the-job');
    const error = await refusal('secretMissing', () => inject(vault, { ...work, bindings: [binding('B', 'header')] }));
    assert.deepEqual(error.details, { names: ['B'], server: 'srv', scope: 'job' });
    assert.match(error.message, /B, bound to server "srv", does not exist in the scope "job"\..*"mcp-secrets secret set B --scope job"/);
  });

  it('is always of the newest version', async () => {
    const { vault, another } = await bench({ A: 'first-value' });
    assert.equal((await inject(vault, server(binding('A', 'header', 'X')))).headers.X, 'first-value');
    await another().set('A', Buffer.from('second-value'), 'user');
    const made = await inject(vault, server(binding('A', 'header', 'X')));
    assert.deepEqual([made.headers.X, made.versions.A, made.seals.get('A')], ['second-value', 2, vault.sealOf('a')]);
  });

  it('leaves no opened Buffer behind, sent or refused', async () => {
    const { store, keys, clock, audit } = await bench({ A: 'value-of-a', B: 'line\nbreak' });
    const buffers: Buffer[] = [];
    class Watched extends Vault {
      override async open(names: readonly string[], scope?: string): Promise<OpenedSecret[]> {
        const opened = await super.open(names, scope);
        buffers.push(...opened.map((secret) => secret.value));
        return opened;
      }
    }
    const vault = new Watched({ store, keys, clock, audit });
    await inject(vault, server(binding('A', 'header', 'X')));
    await refusal('secretUnsendable', () => inject(vault, server(binding('A', 'header', 'X'), binding('B', 'header', 'Y'))));
    assert.equal(buffers.length, 3);
    for (const buffer of buffers) assert.ok(buffer.every((byte) => byte === 0));
  });

  it('keeps names that mean something in JavaScript', async () => {
    const { vault } = await bench({ A: 'value-of-a' });
    const made = await inject(vault, server(binding('A', 'header', 'constructor')));
    assert.deepEqual(Object.entries(made.headers), [['constructor', 'value-of-a']]);
  });
});

describe('secrets in the body', () => {
  const secrets = { K: 'v' };

  it('are added to tool calls, beside what is there', () => {
    const message: Message = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 't', arguments: { a: 1 }, _meta: { progressToken: 7 } },
    };
    assert.deepEqual(addSecrets(message, secrets), {
      ...message,
      params: { name: 't', arguments: { a: 1 }, _meta: { progressToken: 7, 'mcp-secrets/secrets': { K: 'v' } } },
    });
    assert.deepEqual(message.params, { name: 't', arguments: { a: 1 }, _meta: { progressToken: 7 } });
  });

  it('take the place of what an agent puts there', () => {
    const message: Message = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { _meta: { 'mcp-secrets/secrets': { K: 'forged', L: 'more' } } },
    };
    assert.deepEqual(addSecrets(message, secrets).params, { _meta: { 'mcp-secrets/secrets': { K: 'v' } } });
  });

  it('are added whatever the params look like', () => {
    for (const params of [undefined, null, [], 'x', 7, { _meta: null }, { _meta: 'x' }]) {
      const { params: made } = addSecrets({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, secrets);
      assert.deepEqual(made, { _meta: { 'mcp-secrets/secrets': { K: 'v' } } });
    }
  });

  it('are added to nothing else', () => {
    const others: Message[] = [
      { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} },
      { jsonrpc: '2.0', method: 'tools/call', params: {} },
      { jsonrpc: '2.0', id: 1, result: {} },
    ];
    for (const message of others) assert.ok(Object.is(addSecrets(message, secrets), message));
  });
});

describe('what an upstream has been given', () => {
  it('is looked for as long as it can speak, old values and new ones', async () => {
    const { vault } = await bench({ A: 'first-value', B: 'other-value' });
    const exposure = new Exposure(await inject(vault, server(binding('A', 'header'))));
    exposure.add(await inject(vault, server(binding('B', 'header'))));
    await vault.set('A', Buffer.from('second-value'), 'user');
    exposure.add(await inject(vault, server(binding('A', 'header'))));
    exposure.add(await inject(vault, server(binding('A', 'header'))));
    assert.equal(exposure.redactor.text('first-value second-value other-value'), '[redacted:A] [redacted:A] [redacted:B]');
  });

  it('is looked for, too, after a secret was deleted and set anew', async () => {
    const { vault } = await bench({ A: 'first-value' });
    const exposure = new Exposure(await inject(vault, server(binding('A', 'header'))));
    await vault.delete('A', 'user');
    await vault.set('A', Buffer.from('second-value'), 'user');
    exposure.add(await inject(vault, server(binding('A', 'header'))));
    assert.equal(exposure.redactor.text('first-value second-value'), '[redacted:A] [redacted:A]');
  });
});
