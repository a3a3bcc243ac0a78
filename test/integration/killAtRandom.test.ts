import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { systemClock } from '../../src/shared/clock';
import { createBackup } from '../../src/vault/backup/backup';
import { CrashHome } from './support/crashHome';
import { buildDriver, Driver } from './support/driver';
import { Seeded } from './support/seeded';
import { after as afterOperation, operationOf, snapshotsOf, statesOf, valueFrom } from './support/vaultModel';
import type { Backup, Kind, Model, Operation } from './support/vaultModel';

const KILLS = Number(process.env.MCP_SECRETS_TEST_KILLS ?? 500);
/** Homes in which processes are killed at the same time. */
const LANES = 3;
const KILLS_PER_HOME = 25;
const KINDS: readonly Kind[] = ['set', 'delete', 'rollback', 'rotate', 'restore'];
/** Operations of one process: it hardly ever comes to their end. */
const PLANNED = 25;
/** How many secrets homes begin with. With many, replacing the key takes several steps; with none, the first kill hits the making of a vault. */
const SIZES = [0, 10, 40, 500];

/** What the vaults are like. */
interface Found {
  readonly model: Model;
  /** Whether a replacement of the key was cut short. */
  readonly isRotating: boolean;
}

/** Kills by what was under way. */
class Tally {
  readonly #counts = new Map<string, { kills: number; happened: number }>();
  acknowledged = 0;
  kills = 0;

  count(what: string, happened: boolean): void {
    const { kills, happened: before } = this.#counts.get(what) ?? { kills: 0, happened: 0 };
    this.#counts.set(what, { kills: kills + 1, happened: before + Number(happened) });
    this.kills += 1;
  }

  of(what: string): number {
    return this.#counts.get(what)?.kills ?? 0;
  }

  toString(): string {
    const counts = [...this.#counts].map(([what, { kills, happened }]) => `${what} ${String(kills)} (had happened: ${String(happened)})`);
    return `${String(this.kills)} kills during ${counts.join(', ')}; ${String(this.acknowledged)} operations acknowledged, 0 lost`;
  }
}

describe('a process that is killed at any moment', function () {
  this.timeout(1_800_000);
  const random = new Seeded();
  const tally = new Tally();
  /** How long operations take, in ms, by kind and size of the vault, as far as it is known: kills are spread over that time. */
  const durations = new Map<string, number>();
  let folder = '';
  let script = '';
  let backups: Backup[] = [];

  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcps-kill-')));
    script = buildDriver(folder);
    backups = await Promise.all([0, 1, 2].map(makeBackup));
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function makeBackup(index: number): Promise<Backup> {
    const secrets = someSecrets(12, ['workspace', 'work', 'user']);
    const identity = await generateIdentity();
    const [file, identityFile] = [join(folder, `${String(index)}.age`), join(folder, `${String(index)}.txt`)];
    const key = { recipients: [await identityToRecipient(identity)] };
    writeFileSync(file, await createBackup({ snapshots: snapshotsOf(secrets), serversFile: '', workspace: 'x', clock: systemClock, key }));
    writeFileSync(identityFile, `${identity}\n`, { mode: 0o600 });
    return { file, identity: identityFile, secrets };
  }

  function someSecrets(count: number, scopes: readonly string[]): Model {
    const versions = (): Model[string] =>
      Array.from({ length: 1 + random.below(3) }, (_, i) => ({ version: i + 1, value: valueFrom(random) }));
    return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${scopes[i % scopes.length] ?? ''}/S_${String(i)}`, versions()]));
  }

  function plan(model: Model, first: Kind, isRotating: boolean): Operation[] {
    const operations: Operation[] = isRotating ? [{ kind: 'resume' }] : [];
    for (let state = model; operations.length < PLANNED;) {
      const operation = operationOf(operations.length === Number(isRotating) ? first : random.pick(KINDS), state, random, backups);
      operations.push(operation);
      state = afterOperation(state, operation);
    }
    return operations;
  }

  /** Starts a process, kills it (unless it was faster), and returns the state that it left. */
  async function kill(home: CrashHome, size: number, { model, isRotating }: Found): Promise<Found & { killed: boolean }> {
    const operations = plan(model, KINDS[tally.kills % KINDS.length] ?? 'set', isRotating);
    const slot = `${operations[0]?.kind ?? ''} ${String(size)}`;
    const driver = new Driver(script, operations, home.workspace, home.env);
    await driver.reached(0);
    const expected = durations.get(slot) ?? 100;
    // More of them late, when things are written.
    const delay = Math.sqrt(random.next()) * 1.3 * expected;
    const timer = setTimeout(() => {
      driver.kill();
    }, delay);
    const { done, code, stderr } = await driver.end();
    clearTimeout(timer);
    durations.set(slot, driver.duration(0) ?? expected * 1.25);
    assert.deepEqual([code === 0 ? undefined : code, stderr], [undefined, ''], 'nothing but the kill has ended it');
    const acknowledged = operations.slice(0, done.length).reduce(afterOperation, model);
    const inFlight = operations[done.length];
    home.letTimePass();
    const found = await home.content();
    const states = [acknowledged, ...(inFlight === undefined ? [] : statesOf(acknowledged, inFlight))];
    const which = states.findIndex((state) => isDeepStrictEqual(found.model, state));
    if (which < 0) assert.deepEqual(found.model, acknowledged, `neither before nor after ${JSON.stringify(inFlight)}`);
    if (inFlight !== undefined) tally.count(inFlight.kind, which > 0);
    tally.acknowledged += done.length;
    return { ...found, killed: inFlight !== undefined };
  }

  async function killInOneHome(home: CrashHome, size: number, kills: number): Promise<void> {
    let found: Found = { model: someSecrets(size, ['workspace', 'workspace', 'workspace', 'user']), isRotating: false };
    await home.fill(found.model);
    for (let count = 0; count < kills;) {
      const { killed, ...left } = await kill(home, size, found);
      count += Number(killed);
      // Now and then the next process, which may be killed while it does so, has to finish what this one has left.
      found = left.isRotating && random.below(2) === 0 ? left : { model: await goOn(home, left.model), isRotating: false };
    }
    const model = await goOn(home, found.model);
    home.letTimePass();
    await home.rotate();
    assert.equal(home.keys().length, 1, 'one key is left');
    assert.deepEqual((await home.content()).model, model);
    assert.deepEqual(home.junk(), []);
    assert.equal(await home.auditProblem(), undefined);
  }

  /** The next start and the next changes: no traces of the dead are left where they write, which is not the key file. */
  async function goOn(home: CrashHome, model: Model): Promise<Model> {
    const marks = ['workspace', 'user'].map((scope) => ({ kind: 'set' as const, scope, name: 'MARK', value: valueFrom(random) }));
    await home.goOn(marks);
    const traces = home.junk().filter((path) => !/\/(?:given-keys\/[\w.]+|key\.lock|key\.\w+\.tmp)$/.test(path));
    assert.deepEqual(traces, [], 'junk');
    return marks.reduce(afterOperation, model);
  }

  it(`loses nothing and leaves nothing half done: ${String(KILLS)} kills`, async () => {
    console.log(`      seed ${String(random.seed)}`);
    const homes = Array.from({ length: Math.ceil(KILLS / KILLS_PER_HOME) }, (_, i) => i);
    const lane = async (): Promise<void> => {
      for (let i = homes.shift(); i !== undefined; i = homes.shift()) {
        const home = new CrashHome(join(folder, String(i)));
        await killInOneHome(home, SIZES[i % SIZES.length] ?? 0, Math.min(KILLS_PER_HOME, KILLS - i * KILLS_PER_HOME));
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: LANES }, lane));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    console.log(`      ${tally.toString()}`);
    for (const kind of KINDS) assert.ok(tally.of(kind) > 0, `${kind} was hit`);
  });
});
