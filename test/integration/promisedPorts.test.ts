import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerTo, json, ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent, rawExchange } from './support/agent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';

describe('a port that agents were told, and that another program has', function () {
  this.timeout(60_000);
  let upstream: ScriptedUpstream;
  let other: Server;
  let local: LocalProxy;
  let promised: number;

  beforeEach(async () => {
    upstream = await ScriptedUpstream.start();
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/list') return false;
      json(response, answerTo(message, { tools: [] }));
      return true;
    };
    other = createServer((socket) => socket.destroy());
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    promised = (other.address() as AddressInfo).port;
    local = await LocalProxy.start({}, { ports: [promised] });
    await local.servers({ web: { url: upstream.url } });
  });

  afterEach(async () => {
    await local.close();
    await upstream.stop();
    if (other.listening) other.close();
  });

  /** The status of a request at `port` that says it is for `host`. */
  async function status(port: number, host = port): Promise<string> {
    const head = `GET /health HTTP/1.1\r\nHost: 127.0.0.1:${String(host)}\r\nConnection: close\r\n\r\n`;
    return /^HTTP\/1\.1 (\d+)/.exec(await rawExchange(port, head))?.[1] ?? 'none';
  }

  async function listed(port: number): Promise<number> {
    const agent = new Agent({ port, socket: '', token: local.token }, 'web');
    try {
      await agent.initialize();
      return (await agent.call('tools/list')).status;
    } finally {
      agent.close();
    }
  }

  const isTaken = (port: number): Promise<boolean> =>
    status(port).then(
      () => true,
      () => false,
    );

  it('is replaced by another one, which is said', async () => {
    assert.notEqual(local.port, promised);
    assert.equal(await listed(local.port), 200);
    const said = `Port ${String(promised)} is used by another program. The proxy listens on ${String(local.port)},`;
    assert.ok(local.logger.lines.some((line) => line.startsWith(said)));
  });

  it('is taken over once it is free; both work then, each under its own name', async () => {
    other.close();
    await until('it is taken over', () => isTaken(promised));
    assert.equal(await listed(promised), 200);
    assert.equal(await listed(local.port), 200);
    assert.equal(await status(promised), '200');
    assert.equal(await status(promised, local.port), '403');
    assert.equal(await status(local.port, promised), '403');
    assert.ok(local.logger.lines.includes(`The proxy listens on port ${String(promised)} now, too.`));
    await local.proxy.stop();
    assert.deepEqual([await isTaken(promised), await isTaken(local.port)], [false, false]);
  });

  it('is taken over from a proxy that ends', async () => {
    other.close();
    await until('it is taken over', () => isTaken(promised));
    const second = await LocalProxy.start({}, { ports: [promised] });
    try {
      await second.servers({ web: { url: upstream.url } });
      await local.proxy.stop();
      await until('the second one has it', () => isTaken(promised));
      const agent = new Agent({ port: promised, socket: '', token: second.token }, 'web');
      assert.equal((await agent.initialize()).status, 200);
      agent.close();
    } finally {
      await second.close();
    }
  });

  it('is left alone after the end, though it gets free', async () => {
    await local.proxy.stop();
    other.close();
    // Longer than it takes to be tried again.
    await sleep(2_500);
    assert.equal(await isTaken(promised), false);
  });

  it('can be one of several: all that are free are listened on', async () => {
    await local.proxy.stop();
    const several = await LocalProxy.start({}, { ports: [promised, local.port] });
    try {
      assert.equal(several.port, local.port);
      assert.equal(await status(local.port), '200');
      other.close();
      await until('the other one is taken over', () => isTaken(promised));
    } finally {
      await several.close();
    }
    const again = await LocalProxy.start({}, { ports: [promised, local.port] });
    try {
      assert.equal(again.port, promised);
      assert.deepEqual([await status(promised), await status(local.port)], ['200', '200']);
    } finally {
      await again.close();
    }
    assert.deepEqual([await isTaken(promised), await isTaken(local.port)], [false, false]);
  });
});
