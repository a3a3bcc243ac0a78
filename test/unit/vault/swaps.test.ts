import assert from 'node:assert/strict';
import { formatPart, parsePart } from '../../../src/vault/part';
import type { StoredSecret } from '../../../src/vault/part';
import type { Vault } from '../../../src/vault/vault';
import { refusal } from '../support/errors';
import { bench, partNames, putBack, storedOf, tamper } from '../support/vaults';
import type { Bench } from '../support/vaults';

/** Where a sealed value stands, and what it is. */
interface Spot {
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly sealed: string;
}

const nameOf = ({ scope, name, version }: Omit<Spot, 'sealed'>): string => `${scope}/${name}/${String(version)}`;

function spotsOf(b: Bench): Spot[] {
  return partNames(b.store).flatMap((part) =>
    parsePart(b.store.parts.get(part) ?? '').secrets.flatMap(({ scope, name, versions }) =>
      versions.map(({ version, sealed }) => ({ scope, name, version, sealed })),
    ),
  );
}

/** What an attacker does who exchanges two sealed values and leaves all else. */
function swap(b: Bench, one: Spot, other: Spot): void {
  tamper(b, (secrets) =>
    secrets.map((secret): StoredSecret => ({
      ...secret,
      versions: secret.versions.map((stored) => {
        const here = nameOf({ ...secret, ...stored });
        return here === nameOf(one)
          ? { ...stored, sealed: other.sealed }
          : here === nameOf(other)
            ? { ...stored, sealed: one.sealed }
            : stored;
      }),
    })),
  );
}

/** The values of all versions that open, by where they stand. Each is set to a text that says where. */
async function valuesOf(vault: Vault): Promise<Map<string, string>> {
  const seen = await vault.snapshot();
  return new Map(
    seen.flatMap(({ scope, name, versions }) => versions.map((v) => [nameOf({ scope, name, version: v.version }), v.value.toString()])),
  );
}

async function setAll(b: Bench, names: readonly (readonly [string, string, number])[]): Promise<void> {
  for (const [scope, name, versions] of names)
    for (let version = 1; version <= versions; version++) {
      b.clock.time += 1;
      await b.vault.set(name, Buffer.from(nameOf({ scope, name, version })), 'user', scope);
    }
}

/** The two spots do not open, or what they are part of does not; everything else does, as what it is. */
async function assertNoticed(b: Bench, spots: readonly Spot[], one: Spot, other: Spot): Promise<void> {
  const vault = b.another();
  const values = await valuesOf(vault);
  for (const [place, value] of values) assert.equal(value, place);
  const damage = await vault.check();
  for (const spot of [one, other]) {
    assert.ok(!values.has(nameOf(spot)));
    assert.ok(damage.some((d) => d.scope === spot.scope && d.name === spot.name && (d.version ?? spot.version) === spot.version));
  }
  for (const { scope, name } of damage) assert.ok([one, other].some((spot) => spot.scope === scope && spot.name === name));
  for (const spot of spots) {
    const isDamaged = damage.some((d) => d.scope === spot.scope && d.name === spot.name && (d.version ?? spot.version) === spot.version);
    assert.equal(values.has(nameOf(spot)), !isDamaged);
  }
}

describe('two sealed values that changed places', () => {
  it('are noticed, whichever two: of one secret, of two, of two scopes', async () => {
    const b = await bench();
    await setAll(b, [
      ['workspace', 'A', 3],
      ['workspace', 'B', 2],
      ['other', 'A', 3],
      ['other', 'C', 1],
    ]);
    const before = storedOf(b);
    const spots = spotsOf(b);
    assert.equal(spots.length, 9);
    for (const [i, one] of spots.entries())
      for (const other of spots.slice(i + 1)) {
        putBack(b, before);
        swap(b, one, other);
        await assertNoticed(b, spots, one, other);
      }
  });

  it('are noticed across the parts of a large vault, as are whole parts', async () => {
    const b = await bench();
    const names = Array.from({ length: 140 }, (_, i) => ['workspace', `K${String(i)}`, 1] as const);
    await setAll(b, names);
    const [first = '', second = ''] = partNames(b.store);
    assert.equal(partNames(b.store).length, 2);
    const before = storedOf(b);
    const spots = spotsOf(b);
    const inFirst = parsePart(before.parts.get(first) ?? '').secrets.length;
    assert.ok(inFirst > 0 && inFirst < 140);
    for (const [i, j] of [
      [0, inFirst],
      [inFirst - 1, 139],
      [3, 5],
    ] as const) {
      const [one, other] = [spots[i], spots[j]];
      assert.ok(one && other);
      putBack(b, before);
      swap(b, one, other);
      await assertNoticed(b, spots, one, other);
    }

    putBack(b, {
      head: before.head,
      parts: new Map([
        [first, before.parts.get(second) ?? ''],
        [second, before.parts.get(first) ?? ''],
      ]),
    });
    for (const [, name] of names) await refusal('vaultAltered', () => b.another().open([name]));

    // A secret that was put into the other part, with its proof.
    putBack(b, before);
    const [moved, ...rest] = parsePart(before.parts.get(first) ?? '').secrets;
    assert.ok(moved);
    b.store.parts.set(first, formatPart(rest));
    b.store.parts.set(second, formatPart([...parsePart(before.parts.get(second) ?? '').secrets, moved]));
    for (const [, name] of names) await refusal('vaultAltered', () => b.another().open([name]));
    assert.deepEqual(await b.another().recover('user'), { kept: 140, unreadable: [], missing: 0, previous: false });
    assert.equal((await valuesOf(b.another())).size, 140);
  });
});
