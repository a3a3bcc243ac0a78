import assert from 'node:assert/strict';
import { bearerToken, refuseForeign } from '../../../../src/proxy/front/guards';
import type { Entrance } from '../../../../src/proxy/front/guards';
import { refusal } from '../../support/errors';

const TCP: Entrance = { port: 4711 };

describe('requests that a web page could have caused', () => {
  const admitted: readonly (readonly [host: string, origin: string | undefined, entrance: Entrance])[] = [
    ['127.0.0.1:4711', undefined, TCP],
    ['localhost:4711', undefined, TCP],
    ['LOCALHOST:4711', undefined, TCP],
    ['[::1]:4711', undefined, TCP],
    ['127.0.0.1', undefined, { port: 80 }],
    ['127.0.0.1:4711', 'http://127.0.0.1:4711', TCP],
    ['localhost:4711', 'HTTP://LocalHost:4711', TCP],
    ['localhost', undefined, 'socket'],
    ['127.0.0.1:1', undefined, 'socket'],
  ];
  for (const [host, origin, entrance] of admitted) {
    it(`are not: Host ${host}, Origin ${origin ?? 'none'}, at ${entrance === 'socket' ? 'the socket' : String(entrance.port)}`, () => {
      refuseForeign({ host, ...(origin === undefined ? {} : { origin }) }, entrance);
    });
  }

  const hosts: readonly (string | undefined)[] = [
    undefined,
    '',
    'evil.example',
    'evil.example:4711',
    '127.0.0.1.evil.example:4711',
    'localhost.evil.example:4711',
    'evil.example#localhost:4711',
    'evil@127.0.0.1:4711',
    '127.0.0.1:4712',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:4711, evil.example',
    ' 127.0.0.1:4711',
    '127.0.0.1:4711\n',
    '127.0.0.1:47110',
    '127.0.0.1:004711',
    '127.1:4711',
    '0.0.0.0:4711',
    '[::]:4711',
    '::1:4711',
    '192.168.1.2:4711',
    'localhost.:4711',
  ];
  for (const host of hosts) {
    it(`are refused for their Host: ${JSON.stringify(host ?? null)}`, async () => {
      const headers = host === undefined ? {} : { host };
      await refusal('hostRefused', () => {
        refuseForeign(headers, TCP);
      });
      // An honest Origin does not help.
      await refusal('hostRefused', () => {
        refuseForeign({ ...headers, origin: 'http://127.0.0.1:4711' }, TCP);
      });
    });
  }

  it('are refused for their Host at the socket, too', async () => {
    for (const host of [undefined, '', 'evil.example', 'evil.example:80', '127.0.0.1.evil.example'])
      await refusal('hostRefused', () => {
        refuseForeign(host === undefined ? {} : { host }, 'socket');
      });
  });

  const origins = [
    '',
    'null',
    'http://evil.example',
    'https://127.0.0.1:4711',
    'http://127.0.0.1',
    'http://127.0.0.1:4712',
    'http://localhost:4711',
    'http://127.0.0.1:4711.evil.example',
    'http://127.0.0.1:4711/',
    'http://evil@127.0.0.1:4711',
    'vscode-webview://abc',
    'file://',
  ];
  for (const origin of origins) {
    it(`are refused for their Origin: ${JSON.stringify(origin)}`, async () => {
      for (const entrance of [TCP, 'socket'] as const)
        await refusal('originRefused', () => {
          refuseForeign({ host: '127.0.0.1:4711', origin }, entrance);
        });
    });
  }
});

describe('the token of a request', () => {
  for (const [authorization, token] of [
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['BEARER   a-b_c.d~e+f/g==', 'a-b_c.d~e+f/g=='],
    ['Bearer abc ', 'abc'],
  ] as const) {
    it(`is found in ${authorization}`, () => {
      assert.equal(bearerToken({ authorization }), token);
    });
  }

  for (const authorization of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'abc',
    'Bearerabc',
    'Bearer a b',
    'Bearer a,Bearer b',
    'Token abc',
    'Bearer ä',
    'Bearer =',
    'X Bearer abc',
  ]) {
    it(`is missing in ${JSON.stringify(authorization ?? null)}`, async () => {
      await refusal('tokenMissing', () => bearerToken(authorization === undefined ? {} : { authorization }));
    });
  }

  it('counts in its own header only', async () => {
    await refusal('tokenMissing', () => bearerToken({ 'proxy-authorization': 'Bearer abc', cookie: 'authorization=Bearer abc' }));
  });
});
