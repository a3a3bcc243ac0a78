import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodings } from '../fixtures/encodings';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { findCanaries, holds, newCanary, newPlainCanary } from './support/canaries';
import { TestClient } from './support/client';
import { until } from './support/eventually';
import { leftOf } from './support/processes';
import { serverScript } from './support/programs';
import { scripted } from './support/scripted';
import type { Serving } from './support/serving';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';
import type { AuditLine } from './support/workplace';

/**
 * Everything at once with canary values, then a search of every file. Each `Workplace` of the other tests makes the
 * same search when it closes; this one sees to it that the search would find something.
 */
describe('canary values, after a run that used them everywhere', function () {
  this.timeout(120_000);
  const place = new Workplace();
  const values: Record<string, string[]> = {};
  const seen: string[] = [];
  let upstream: ScriptedUpstream;
  let serving: Serving;

  const all = (): string[] => Object.values(values).flat();

  async function rotate(name: string, value: string): Promise<void> {
    (values[name] ??= []).push(value);
    await place.secret(name, value);
  }

  /** The current values of some secrets in every encoding. A server can only repeat what it was given. */
  const leak = (...names: string[]): string => names.flatMap((name) => encodings(values[name]?.at(-1) ?? '')).join(' ');

  before(async () => {
    upstream = await ScriptedUpstream.start();
    for (const name of ['HEADER', 'BEARER', 'TEMPLATE']) await rotate(name, newPlainCanary());
    for (const name of ['BODY', 'ENV', 'FUNCTION', 'UNUSED']) await rotate(name, newCanary());
    const [command, ...args] = scripted();
    const { url } = upstream;
    const servers = {
      web: {
        url,
        secrets: { HEADER: 'header', BEARER: 'bearer', BODY: 'body', TEMPLATE: { as: 'header', name: 'X-T', template: 't ${value}' } },
      },
      child: { command, args, secrets: { ENV: 'env', BODY: 'body' }, limits: { startTimeout: '30s' } },
      fn: { type: 'function', url, secrets: { FUNCTION: 'body', BEARER: 'bearer' }, tools: [{ name: 'run' }] },
      real: {
        command: process.execPath,
        args: [serverScript('everything')],
        secrets: { ENV: 'env' },
        limits: { startTimeout: '30s', callTimeout: '30s' },
      },
      down: { url: 'http://127.0.0.1:9/', secrets: { BEARER: 'bearer' } },
      dies: { command, args: [...args, '--die'], secrets: { ENV: 'env' } },
      missing: { url, secrets: { NOT_THERE: 'bearer' } },
    };
    await place.servers(servers, ...Object.keys(servers));
    serving = await place.serve(['--timeout', '3']);
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  /** A call with every failure and every leak that there is. */
  async function useWeb(): Promise<void> {
    const own = ['HEADER', 'BEARER', 'TEMPLATE', 'BODY'];
    const agent = new Agent(serving, 'web');
    await agent.initialize();
    const stream = await Stream.open(agent);
    await until('the stream at the server', () => upstream.streams.size > 0);
    const scripts: ScriptedUpstream['script'][] = [
      ({ message }, response) => json(response, answerTo(message, textResult(leak(...own)))),
      ({ message }, response) =>
        !!response.writeHead(200, { 'content-type': 'text/event-stream' }).end(event(answerTo(message, textResult(leak(...own))), '1')),
      ({ message }, response) => json(response, { jsonrpc: '2.0', id: message?.id, error: { code: -32000, message: leak(...own) } }),
      (_, response) => !!response.writeHead(500, { 'content-type': 'text/plain' }).end(leak(...own)),
      (_, response) => !!response.writeHead(401).end(leak(...own)),
      (_, response) => !!response.writeHead(307, { location: `http://127.0.0.1:9/${encodeURIComponent(all()[0] ?? '')}` }).end(),
      (_, response) => !!response.writeHead(200, { 'content-type': 'text/html' }).end(leak(...own)),
      (_, response) => !!response.destroy(),
      () => true,
    ];
    for (const script of scripts) {
      upstream.script = (request, response) => request.message?.method === 'tools/call' && script(request, response) === true;
      seen.push((await agent.tool('do', { text: 'x' })).body);
    }
    upstream.script = () => false;
    await rotate('BEARER', newPlainCanary());
    await agent.tool('do');
    upstream.say({ method: 'notifications/message', params: { level: 'info', data: leak(...own) } });
    await stream.next('the message', ({ method }) => method === 'notifications/message');
    seen.push(stream.text);
    stream.close();
    await agent.send('DELETE');
    agent.close();
  }

  async function useChild(): Promise<void> {
    const agent = new Agent(serving, 'child');
    await agent.initialize();
    const stream = await Stream.open(agent);
    for (const where of ['result', 'error', 'progress', 'log', 'stderr', 'pieces', 'noise']) {
      seen.push((await agent.tool('leak', { where, name: 'ENV' })).body);
    }
    seen.push((await agent.tool('env')).body, (await agent.tool('params')).body);
    await rotate('ENV', newCanary());
    seen.push(
      (await agent.tool('leak', { where: 'result', name: 'ENV' })).body,
      (await agent.tool('exit')).body,
      (await agent.tool('hang')).body,
    );
    seen.push(stream.text);
    stream.close();
    agent.close();
  }

  it('are used by every kind of server, in every mode, through every failure', async () => {
    await useWeb();
    await useChild();
    const fn = new Agent(serving, 'fn');
    await fn.initialize();
    for (const status of [200, 500]) {
      upstream.script = (_, response) => json(response, { leak: leak('FUNCTION', 'BEARER') }, {}, status);
      seen.push((await fn.tool('run')).body);
    }
    upstream.script = () => false;
    fn.close();
    for (const server of ['down', 'dies', 'missing']) {
      const agent = new Agent(serving, server);
      seen.push((await agent.initialize()).body);
      agent.close();
    }
    const real = await TestClient.proxied(serving, 'real');
    seen.push(await real.text('get-env'));
    await real.close();
    seen.push((await place.cli(['call', 'child', 'leak', '--args', '{"where":"result","name":"ENV"}'])).stdout);
    seen.push(await place.ok(['secret', 'list', '--json']), await place.ok(['server', 'list', '--json']));
    await rotate('HEADER', 'cnry-a\nb-not-for-headers');
    const refused = await place.cli(['server', 'update', 'web', '--secret', 'HEADER']);
    assert.equal(refused.code, 1);
    seen.push(refused.stderr);
  });

  it('were really sent: the search is for the right values', () => {
    const received = JSON.stringify(upstream.received);
    for (const name of ['BEARER', 'TEMPLATE', 'FUNCTION', 'BODY']) {
      assert.ok(
        values[name]?.some(
          (value) =>
            received.includes(JSON.stringify(value).slice(1, -1).replaceAll('\\', '\\\\').replaceAll('"', '\\"')) ||
            received.includes(value),
        ),
        name,
      );
    }
    assert.equal(upstream.of('tools/call').length > 9, true);
  });

  it('are in nothing that an agent or a user saw', () => {
    for (const text of seen) for (const value of all()) assert.ok(!holds(text, value), text.slice(0, 2_000));
    assert.ok(seen.some((text) => text.includes('[redacted:BODY]')));
  });

  it('are in no log', () => {
    for (const value of all()) assert.ok(!holds(serving.logs, value), serving.logs);
    assert.match(serving.logs, /\[redacted:ENV\]/);
  });

  it('are in no file of the workspace, HOME, MCP_SECRETS_HOME and TMPDIR, and in no command line', async () => {
    assert.deepEqual(findCanaries(place.root, all()), []);
    assert.deepEqual(readdirSync(place.home), [], 'HOME was left alone');
    await serving.stop();
    assert.deepEqual(findCanaries(place.root, all()), []);
    assert.deepEqual(await leftOf(place.root), []);
  });

  it('would have been found in any form', () => {
    const value = newCanary();
    const file = join(place.temp, 'planted');
    for (const form of encodings(value)) {
      writeFileSync(file, `before ${form} after`);
      assert.deepEqual(findCanaries(place.temp, [value]), [file], form);
    }
    writeFileSync(file, '');
  });

  it('the record names the secrets, and holds only the fields that it should', async () => {
    const bound = ({ server, secrets }: AuditLine): boolean => server === 'web' && secrets?.join() === 'HEADER,BEARER,BODY,TEMPLATE';
    await until('a call is on record', () => place.auditEntries().some(bound));
    const lines = place.auditEntries();
    const said = ['time', 'actor', 'action', 'agent', 'server', 'method', 'tool', 'requestId', 'scope', 'secrets', 'versions'];
    const known = [...said, 'outcome', 'durationMs', 'errorKind', 'rule', 'seq', 'key', 'mac'];
    for (const line of lines)
      assert.deepEqual(
        Object.keys(line).filter((key) => !known.includes(key)),
        [],
      );
  });
});
