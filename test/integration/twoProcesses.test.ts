import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CrashHome } from './support/crashHome';
import { buildDriver, Driver } from './support/driver';
import { Seeded } from './support/seeded';
import { after as afterOperation, operationOf } from './support/vaultModel';
import type { Model, Operation } from './support/vaultModel';

const OPERATIONS = Number(process.env.MCP_SECRETS_TEST_OPERATIONS ?? 1_000);
/** After so many operations the first process replaces the key while the other one works on. */
const ROTATE_EVERY = 250;
const SHARED = ['workspace/SHARED', 'user/SHARED'];

/** Work for one process: on names of its own, where it alone decides what is left, and on names that all processes set. */
interface Work {
  readonly operations: readonly Operation[];
  /** What is left of its own names. */
  readonly own: Model;
}

function workFor(who: string, random: Seeded, rotates: boolean): Work {
  const operations: Operation[] = [];
  let own: Model = {};
  while (operations.length < OPERATIONS) {
    if (rotates && operations.length % ROTATE_EVERY === ROTATE_EVERY - 1) {
      operations.push({ kind: 'rotate' });
      continue;
    }
    if (random.below(4) === 0) {
      const [scope = '', name = ''] = random.pick(SHARED).split('/');
      operations.push({ kind: 'set', scope, name, value: `${who} ${String(operations.length)}` });
      continue;
    }
    const made = operationOf(random.pick(['set', 'set', 'set', 'delete', 'rollback'] as const), own, random, []);
    // A secret that is not there yet gets a name that only this process uses.
    const operation = made.kind === 'set' && made.name.startsWith('NEW_') ? { ...made, name: `${who}_${made.name}` } : made;
    operations.push(operation);
    own = afterOperation(own, operation);
  }
  return { operations, own };
}

describe('two processes that change the same vaults at once', function () {
  this.timeout(600_000);
  const random = new Seeded();
  let folder = '';
  let script = '';

  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcps-two-')));
    script = buildDriver(folder);
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  for (const stores of ['files', 'editor'] as const) {
    it(`${stores === 'files' ? 'the command line' : "the editor's stores"}: ${String(OPERATIONS)} operations each, none lost`, async () => {
      console.log(`      seed ${String(random.seed)}`);
      const home = new CrashHome(join(folder, stores));
      const work = ['A', 'B'].map((who) => workFor(who, random, stores === 'files' && who === 'A'));
      const drivers = work.map(({ operations }) => new Driver(script, operations, home.workspace, home.env, stores));
      const ends = await Promise.all(drivers.map((driver) => driver.end()));
      for (const { code, stderr, done } of ends) assert.deepEqual([code, stderr, done.length], [0, '', OPERATIONS]);

      const { model } = await home.content(stores);
      const shared = Object.fromEntries(Object.entries(model).filter(([key]) => SHARED.includes(key)));
      const rest = Object.fromEntries(Object.entries(model).filter(([key]) => !SHARED.includes(key)));
      assert.deepEqual(rest, { ...work[0]?.own, ...work[1]?.own });
      for (const key of SHARED) {
        const made = work.flatMap(({ operations }, i) =>
          operations.flatMap((operation, n) =>
            operation.kind === 'set' && `${operation.scope}/${operation.name}` === key
              ? [{ version: ends[i]?.done[n] ?? 0, value: operation.value }]
              : [],
          ),
        );
        made.sort((a, b) => a.version - b.version);
        // Each made a version of its own, and none is missing.
        assert.deepEqual(
          made.map(({ version }) => version),
          made.map((_, i) => i + 1),
        );
        assert.deepEqual(shared[key], made.slice(-10));
      }
      assert.equal(home.keys().length, 1);
      assert.deepEqual(home.junk(), []);
      assert.equal(await home.auditProblem(), undefined);
    });
  }
});
