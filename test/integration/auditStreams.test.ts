import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { ensureSyslogReceiver } from '../host/systemPackages';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { makeCertificates } from './support/certificates';
import { until } from './support/eventually';
import { freePort } from './support/freePort';
import { OtlpReceiver } from './support/otlpReceiver';
import { cliPath, startNode } from './support/programs';
import type { ReceivedEntry, Receiver } from './support/receiver';
import { Serving } from './support/serving';
import { SyslogReceiver } from './support/syslogReceiver';
import { Workplace } from './support/workplace';
import type { AuditLine } from './support/workplace';

/** What makes an entry the same one here and there. */
function keyOf(entry: AuditLine | ReceivedEntry): string {
  const { time, actor, action, agent, server, tool, method, requestId, outcome, errorKind } = entry as Record<string, unknown>;
  const { secrets } = entry;
  const names = typeof secrets === 'string' ? secrets : (secrets?.join(',') ?? '');
  return JSON.stringify([time, actor, action, agent, server, tool, method, requestId, outcome, errorKind, names]);
}

/** What arrived, each entry once. */
function arrived(receiver: Receiver): string[] {
  const byId = new Map(receiver.entries().map((entry) => [entry.id, keyOf(entry)]));
  return [...byId.values()].sort();
}

describe('audit entries on their way to a receiver', function () {
  this.timeout(300_000);
  const token = newPlainCanary();
  let upstream: ScriptedUpstream;
  let place: Workplace;
  let receivers: Receiver[] = [];

  before(async () => {
    upstream = await ScriptedUpstream.start();
  });

  after(() => upstream.stop());

  beforeEach(() => {
    place = new Workplace();
    receivers = [];
  });

  afterEach(async () => {
    await Promise.all(receivers.map((receiver) => receiver.stop()));
    await place.close();
  });

  function added<T extends Receiver>(receiver: T): T {
    receivers.push(receiver);
    return receiver;
  }

  async function prepare(env: Record<string, string>, at = place): Promise<void> {
    at.watch(token);
    await at.cli(['secret', 'set', 'TOKEN'], { input: token, env });
    await at.cli(['server', 'add', 'one', '--url', upstream.url, '--secret', 'TOKEN=bearer'], { env });
  }

  async function calls(serving: Serving, count: number): Promise<void> {
    const agent = new Agent(serving, 'one');
    await agent.initialize();
    for (let i = 0; i < count; i += 1) assert.equal((await agent.tool(`tool "${String(i)}" \\ ]`)).status, 200);
    agent.close();
  }

  /** What is in the trail, once it is all written. */
  async function trail(calls: number, at = place): Promise<string[]> {
    await until('the calls are in the trail', () => at.auditEntries().filter(({ action }) => action === 'call').length >= calls);
    return at.auditEntries().map(keyOf).sort();
  }

  /** Waits for longer than `until`: the longer a receiver was away, the later it is tried again. */
  async function untilAgain(what: string, holds: () => boolean): Promise<void> {
    const end = performance.now() + 90_000;
    while (!holds()) {
      assert.ok(performance.now() < end, `did not happen in 90 s: ${what}`);
      await sleep(100);
    }
  }

  async function allArrive(receiver: Receiver, calls: number, at = place): Promise<void> {
    await trail(calls, at);
    // Counted anew each time: an alert may come after the calls.
    await untilAgain('everything arrives', () => arrived(receiver).length >= at.auditEntries().length);
    assert.deepEqual(arrived(receiver), await trail(calls, at));
  }

  /**
   * A run with the receiver there; then it goes away, and the process that streams to it is killed; then another process
   * begins while it is still away; then it comes back.
   */
  async function runWithOutage(receiver: Receiver, at: Workplace, env: Record<string, string> = {}): Promise<void> {
    const all = { [receiver.variable]: receiver.url, ...env };
    await prepare(all, at);
    const first = await Serving.start(startNode(cliPath, ['serve'], { ...at.env, ...all }, at.workspace));
    await calls(first, 200);
    await allArrive(receiver, 200, at);
    await receiver.stop();
    await calls(first, 60);
    await trail(260, at);
    await until('the outage is noticed', () => first.logs.includes(`cannot be delivered to ${receiver.url}`));
    await first.end('SIGKILL');
    const second = await at.serve([], all);
    await calls(second, 40);
    const before = arrived(receiver).length;
    await receiver.start();
    // What a dead process has left comes some time after the rest.
    await untilAgain('the first arrive again', () => arrived(receiver).length > before);
    await allArrive(receiver, 300, at);
    // What is delivered is not delivered again by who comes next, and leaves nothing behind.
    await second.stop();
    const count = receiver.entries().length;
    await at.cli(['server', 'list'], { env: all });
    assert.equal(receiver.entries().length, count);
    assert.deepEqual(spools(at), []);
  }

  function spools(at = place): string[] {
    const folder = join(at.state, 'spool');
    return existsSync(folder) ? readdirSync(folder).flatMap((target) => readdirSync(join(folder, target))) : [];
  }

  describe('all arrive, also those of an outage and of a killed process', () => {
    /** The runs are mostly waiting, so they wait together. */
    const runs = new Map<string, Promise<void>>();

    function begin(name: string, start: (at: Workplace) => Promise<readonly [Receiver, Record<string, string>?]>): void {
      const run = async (): Promise<void> => {
        const at = new Workplace();
        try {
          const [receiver, env] = await start(at);
          await runWithOutage(receiver, at, env).finally(() => receiver.stop());
        } finally {
          await at.close();
        }
      };
      const running = run();
      running.catch(() => undefined);
      runs.set(name, running);
    }

    before(async function () {
      // The receiver may have to be installed first.
      this.timeout(600_000);
      begin('OTLP', async () => [await OtlpReceiver.start()]);
      if (!(await ensureSyslogReceiver())) return;
      begin('syslog, UDP', async (at) => [await SyslogReceiver.start(join(at.root, 'syslog'), 'udp')]);
      begin('syslog, TCP', async (at) => [await SyslogReceiver.start(join(at.root, 'syslog'), 'tcp')]);
      begin('syslog, TLS', async (at) => {
        const certificates = makeCertificates(at.temp, 'localhost');
        return [await SyslogReceiver.start(join(at.root, 'syslog'), 'tls', certificates), { NODE_EXTRA_CA_CERTS: certificates.ca }];
      });
    });

    after(() => Promise.allSettled(runs.values()));

    for (const name of ['OTLP', 'syslog, UDP', 'syslog, TCP', 'syslog, TLS'])
      it(name, async function () {
        if (!runs.has(name)) this.skip();
        await runs.get(name);
      });
  });

  describe('by syslog', () => {
    before(async function () {
      this.timeout(600_000);
      if (!(await ensureSyslogReceiver())) this.skip();
    });

    it('over TLS: nothing is sent to who cannot prove its name', async () => {
      const certificates = makeCertificates(place.temp, 'logs.example.com');
      const receiver = added(await SyslogReceiver.start(join(place.root, 'syslog'), 'tls', certificates));
      for (const env of [{}, { NODE_EXTRA_CA_CERTS: certificates.ca }]) {
        const { code, stderr } = await place.cli(['secret', 'set', 'TOKEN'], {
          input: 'x',
          env: { MCP_SECRETS_SYSLOG: receiver.url, ...env },
        });
        assert.equal(code, 0, stderr);
        assert.match(stderr, /cannot be delivered to tls:\/\/localhost:\d+ \((SELF_SIGNED_CERT_IN_CHAIN|ERR_TLS_CERT_ALTNAME_INVALID)\)/);
      }
      assert.deepEqual(receiver.entries(), []);
    });

    it('over TCP: each arrives, however often the receiver is restarted in the middle of it', async () => {
      const receiver = added(await SyslogReceiver.start(join(place.root, 'syslog'), 'tcp'));
      const env = { MCP_SECRETS_SYSLOG: receiver.url };
      await prepare(env);
      const serving = await place.serve([], env);
      const busy = calls(serving, 400);
      for (let i = 0; i < 4; i += 1) {
        await receiver.stop();
        await receiver.start();
      }
      await busy;
      await allArrive(receiver, 400);
    });
  });

  describe('by OTLP', () => {
    it('again where the receiver is overloaded, when it says so', async () => {
      const receiver = added(await OtlpReceiver.start());
      const statuses = [429, 502, 503, 504, 401];
      receiver.script = (_entries, response) => {
        const status = statuses.shift();
        if (status === undefined) return false;
        response.writeHead(status, { 'retry-after': '0' }).end();
        return true;
      };
      const serving = await place.serve(['--otlp', receiver.url]);
      await new Agent(serving, 'none').send('POST', '{}', { authorization: undefined });
      await until('it arrives', () => receiver.entries().length === 1);
      assert.deepEqual(statuses, []);
    });

    it('without the one that the receiver does not want, and without asking again', async () => {
      const receiver = added(await OtlpReceiver.start());
      await prepare({});
      receiver.script = (entries, response) => {
        if (!entries.some(({ tool }) => tool?.includes('"7"') === true)) return false;
        response.writeHead(400).end();
        return true;
      };
      const serving = await place.serve(['--otlp', receiver.url]);
      await calls(serving, 20);
      await until('the others arrive', () => receiver.entries().filter(({ action }) => action === 'call').length === 19);
      assert.match(serving.logs, /1 audit entry was not delivered to http[^ ]+: the receiver rejected them: HTTP 400/);
    });

    it('with a partial success said aloud', async () => {
      const receiver = added(await OtlpReceiver.start());
      receiver.script = (_entries, response) => {
        const partialSuccess = { rejectedLogRecords: '1', errorMessage: 'too \u001b[31mold' };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ partialSuccess }));
        return true;
      };
      const serving = await place.serve(['--otlp', receiver.url]);
      await new Agent(serving, 'none').send('POST', '{}', { authorization: undefined });
      await until('it is said', () => serving.logs.includes('the receiver rejected them: too \\u001b[31mold'));
    });

    it('with a token from a file that only its user may read, which is nowhere else', async () => {
      const receiver = added(await OtlpReceiver.start());
      const headers = join(place.temp, 'headers');
      const bearer = newPlainCanary();
      mkdirSync(place.temp, { recursive: true });
      writeFileSync(headers, `Authorization: Bearer ${bearer}\n`);
      chmodSync(headers, 0o644);
      const env = { MCP_SECRETS_OTLP: receiver.url, MCP_SECRETS_OTLP_HEADERS_FILE: headers };
      const open = await place.cli(['secret', 'list'], { env });
      assert.equal(open.code, 1);
      assert.match(open.stderr, /chmod 600/);
      chmodSync(headers, 0o600);
      await prepare(env);
      assert.deepEqual(
        receiver.headers.map(({ authorization }) => authorization),
        receiver.headers.map(() => `Bearer ${bearer}`),
      );
      assert.ok(receiver.headers.length > 0);
      // The only file with it is the one that it came from.
      const files = readdirSync(place.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const holding = files
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((file) => readFileSync(file, 'utf8').includes(bearer));
      assert.deepEqual(holding, [headers]);
    });
  });

  it('of a command wait on disk, for this user alone, and go with the next command', async () => {
    const receiver = await OtlpReceiver.start();
    const env = { MCP_SECRETS_OTLP: receiver.url };
    await receiver.stop();
    const { code, stdout, stderr } = await place.cli(['secret', 'set', 'TOKEN'], { input: 'x', env });
    assert.deepEqual([code, stdout], [0, 'TOKEN is set (version 1).\n'], stderr);
    assert.match(stderr, /cannot be delivered to http[^ ]+ \(ECONNREFUSED\)\. They are kept on disk and delivered later\.\n$/);
    const spool = join(place.state, 'spool');
    for (const entry of readdirSync(spool, { recursive: true, withFileTypes: true }))
      assert.equal(statSync(join(entry.parentPath, entry.name)).mode & 0o777, entry.isFile() ? 0o600 : 0o700);
    await added(receiver).start();
    assert.equal((await place.cli(['secret', 'list'], { env })).stderr, '');
    assert.deepEqual(arrived(receiver), place.auditEntries().map(keyOf).sort());
    assert.deepEqual(spools(), []);
  });

  it('do not hold up a command whose receiver takes them and never answers', async () => {
    const receiver = added(await OtlpReceiver.start());
    receiver.script = () => true;
    const { code, stderr } = await place.cli(['secret', 'set', 'TOKEN'], { input: 'x', env: { MCP_SECRETS_OTLP: receiver.url } });
    assert.equal(code, 0);
    assert.match(stderr, /\(no answer in time\)/);
    receiver.script = () => false;
    await place.cli(['secret', 'list'], { env: { MCP_SECRETS_OTLP: receiver.url } });
    assert.equal(arrived(receiver).length, 1);
  });

  it('go to nobody whom the user did not name, and a wrong address is refused before anything is done', async () => {
    const address = `http://127.0.0.1:${String(await freePort())}`;
    await place.servers({ one: { type: 'http', url: address } });
    for (const [option, value] of [
      ['--syslog', 'http://127.0.0.1:1'],
      ['--otlp', 'udp://127.0.0.1:1'],
      ['--otlp', 'https://user:pass@example.com'],
      ['--otlp-headers-file', '/tmp/x'],
    ] as const) {
      const { code, stderr } = await place.cli(['serve', option, value]);
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(option) && !stderr.includes('pass@'), stderr);
    }
    const { code, stderr } = await place.cli(['secret', 'list'], { env: { MCP_SECRETS_SYSLOG: 'nonsense' } });
    assert.equal(code, 2);
    assert.match(stderr, /MCP_SECRETS_SYSLOG cannot be used/);
    assert.equal((await place.cli(['secret', 'list', '--syslog', 'udp://127.0.0.1:1'])).code, 2);
  });
});
