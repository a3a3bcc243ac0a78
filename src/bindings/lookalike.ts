/** Letters and digits by the Latin letter that they look like. */
const LOOKS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'аαɑ', b: 'вЬ', c: 'сϲ', d: 'ԁ', e: 'еεё', g: 'ɡ', h: 'һн', i: 'іιı', j: 'ј', k: 'кκ', l: 'I1|ӏ', m: 'м', n: 'пη', o: '0оοσ',
    p: 'рρ', s: 'ѕ', t: 'тτ', u: 'υц', v: 'νѵ', w: 'шω', x: 'хχ', y: 'уγʏ',
  }).flatMap(([latin, others]) => Array.from(others, (other): [string, string] => [other, latin])),
); // prettier-ignore

/** What the eye makes of a name: equal for names that cannot be told apart at a glance. */
export function skeleton(name: string): string {
  return Array.from(bare(name), (c) => LOOKS.get(c) ?? LOOKS.get(c.toLowerCase()) ?? c.toLowerCase())
    .join('')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w');
}

/**
 * Whether a name can be taken for another one although it is written with other letters. The same name, and another way of
 * writing it (`readFile`, `read_file`), is ordinary: many servers have such tools.
 */
export function isLookalike(a: string, b: string): boolean {
  return a !== b && skeleton(a) === skeleton(b) && (bare(a).toLowerCase() !== bare(b).toLowerCase() || isAscii(a) !== isAscii(b));
}

/** The name without accents, invisible characters and what stands between words; letters that are only another form are plain ones. */
function bare(name: string): string {
  return name.normalize('NFKD').replace(/[\p{M}\p{Default_Ignorable_Code_Point}\s_.:/-]/gu, '');
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** Names that look like one another, each with whose it is, for quick questions. */
export class Lookalikes {
  readonly #bySkeleton = new Map<string, { readonly owner: string; readonly name: string }[]>();

  add(owner: string, name: string): void {
    const key = skeleton(name);
    const same = this.#bySkeleton.get(key);
    if (same === undefined) this.#bySkeleton.set(key, [{ owner, name }]);
    else if (same.length < MAX_SAME) same.push({ owner, name });
  }

  /** Whether somebody else has a name that this one can be taken for. */
  has(owner: string, name: string): boolean {
    return this.#bySkeleton.get(skeleton(name))?.some((other) => other.owner !== owner && isLookalike(name, other.name)) === true;
  }
}

/** More that look the same say nothing new, and would take time. */
const MAX_SAME = 32;
