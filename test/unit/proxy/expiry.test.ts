import assert from 'node:assert/strict';
import type { HttpServer } from '../../../src/bindings/server';
import { Expiry } from '../../../src/proxy/expiry';
import type { ExpiredPolicy } from '../../../src/proxy/expiry';
import { Injector } from '../../../src/proxy/injector';
import type { OpenedSecret } from '../../../src/vault/secret';
import { Vault } from '../../../src/vault/vault';
import { refusal } from '../support/errors';
import { FixedClock, RecordingLogger } from '../support/memory';
import { bench } from '../support/vaults';

const DAY = 24 * 60 * 60 * 1000;
const SERVER: HttpServer = {
  name: 'srv',
  type: 'http',
  url: 'https://a/',
  headers: {},
  bindings: [{ secret: 'K', mode: 'header', name: 'X-K', template: '${value}' }],
  scope: 'workspace',
};

describe('an expired secret', () => {
  let clock = new FixedClock();
  let logger = new RecordingLogger();
  let used: string[] = [];
  beforeEach(() => {
    clock = new FixedClock();
    logger = new RecordingLogger();
    used = [];
  });

  const rule = (policy?: ExpiredPolicy): Expiry =>
    new Expiry({
      clock,
      logger,
      onExpiredUsed: (secret, server) => void used.push(`${secret} ${server}`),
      ...(policy === undefined ? {} : { expiredSecrets: () => policy }),
    });
  const secret = (expiresAt?: number, version = 1): { name: string; version: number; expiresAt?: number } => ({
    name: 'K',
    version,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });

  it('is still used unless told otherwise: each use is announced, the log hears once of each version', () => {
    const expiry = rule();
    for (const version of [1, 1, 2, 1]) expiry.check(SERVER, [secret(clock.now() - DAY, version)]);
    assert.deepEqual(used, Array(4).fill('K srv'));
    assert.equal(logger.lines.length, 2);
    assert.match(logger.lines[0] ?? '', /K expired on 2026-01-01 03:04 UTC and is still used, by server "srv"/);
    expiry.check({ ...SERVER, scope: 'work' }, [secret(clock.now() - DAY)]);
    assert.equal(logger.lines.length, 3, 'another scope has another secret');
  });

  it('is refused where that was chosen, from the very moment on', async () => {
    const expiry = rule('refuse');
    expiry.check(SERVER, [secret(), secret(clock.now() + 1)]);
    assert.deepEqual(used, []);
    clock.time += 1;
    const error = await refusal('secretExpired', () => {
      expiry.check(SERVER, [secret(), secret(clock.now())]);
    });
    assert.deepEqual(error.details, { name: 'K', server: 'srv', at: '2026-01-02 03:04 UTC' });
    assert.deepEqual(used, ['K srv']);
  });

  it('leaves no opened Buffer behind when it is refused', async () => {
    const { store, keys, audit } = await bench();
    const buffers: Buffer[] = [];
    class Watched extends Vault {
      override async open(names: readonly string[], scope?: string): Promise<OpenedSecret[]> {
        const opened = await super.open(names, scope);
        buffers.push(...opened.map(({ value }) => value));
        return opened;
      }
    }
    const vault = new Watched({ store, keys, clock, audit });
    await vault.set('K', Buffer.from('the value'), 'user', 'workspace', { expiresAt: clock.now() + DAY });
    const injector = new Injector(vault, rule('refuse'));
    assert.equal((await injector.inject(SERVER)).headers['X-K'], 'the value');
    clock.time += DAY;
    await refusal('secretExpired', () => injector.inject(SERVER));
    assert.equal(buffers.length, 2);
    for (const buffer of buffers) assert.ok(buffer.every((byte) => byte === 0));
  });

  it('counts for a server that was given it before, and until its date is changed', async () => {
    const { vault } = await bench();
    await vault.set('K', Buffer.from('the value'), 'user', 'workspace', { expiresAt: clock.now() - DAY });
    const injector = new Injector(vault, rule('refuse'));
    await refusal('secretExpired', () => {
      injector.checkExpiry(SERVER, ['K']);
    });
    await vault.schedule('K', 'user', 'workspace', { expiresAt: clock.now() + DAY });
    injector.checkExpiry(SERVER, ['K', 'GONE']);
  });
});
