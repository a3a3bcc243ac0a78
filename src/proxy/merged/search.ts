import { objectAt, stringAt } from '../jsonRpc';
import type { Item } from './catalog';

/** A tool that was found. */
export interface Found {
  readonly name: string;
  readonly description: string;
}

/** Okapi BM25: how soon further mentions of a word stop to count, and how much long texts are held against them. */
const K1 = 1.2;
const B = 0.75;
/** What a word counts in a tool's name, in its description, and in the names of its arguments. */
const WEIGHTS = { name: 3, description: 1, arguments: 0.5 } as const;
/** What a word counts that only begins like one of the query. */
const PREFIX = 0.5;
const MAX_LINE = 160;
/** Words of one tool that are looked at. */
const MAX_WORDS = 2_000;

interface Document extends Found {
  /** How much each word counts in it. */
  readonly words: ReadonlyMap<string, number>;
  readonly length: number;
}

/** Finds tools by words: BM25 over names, descriptions and arguments. */
export class ToolSearch {
  readonly #documents: readonly Document[];
  /** The documents that have a word. */
  readonly #spread = new Map<string, number>();
  readonly #average: number;

  /** @param tools by the names under which they are offered. */
  constructor(tools: Iterable<readonly [name: string, tool: Item]>) {
    this.#documents = [...tools].map(([name, tool]) => documentOf(name, tool));
    for (const { words } of this.#documents) for (const word of words.keys()) this.#spread.set(word, (this.#spread.get(word) ?? 0) + 1);
    this.#average = this.#documents.reduce((sum, { length }) => sum + length, 0) / Math.max(1, this.#documents.length);
  }

  /** The tools that have a word of the query, the best first; those of equal rank by name. A query without words finds all, by name. */
  find(query: string, limit: number): Found[] {
    const wanted = [...new Set(wordsIn(query))];
    const ranked = this.#documents
      .map((document) => ({ document, score: this.#score(document, wanted) }))
      .filter(({ score }) => score > 0 || wanted.length === 0)
      .sort((a, b) => b.score - a.score || (a.document.name < b.document.name ? -1 : 1));
    return ranked.slice(0, limit).map(({ document: { name, description } }) => ({ name, description }));
  }

  #score({ words, length }: Document, wanted: readonly string[]): number {
    let score = 0;
    for (const word of wanted) {
      const exact = words.get(word);
      if (exact !== undefined) score += this.#count(word, exact, length);
      else if (word.length > 2)
        for (const [longer, count] of words) if (longer.startsWith(word)) score += PREFIX * this.#count(longer, count, length);
    }
    return score;
  }

  #count(word: string, count: number, length: number): number {
    const spread = this.#spread.get(word) ?? 0;
    const rarity = Math.log(1 + (this.#documents.length - spread + 0.5) / (spread + 0.5));
    return (rarity * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / this.#average));
  }
}

/** The first line of a description, cut at a word. */
export function oneLine(text: string): string {
  const line =
    text
      .trim()
      .split(/[\r\n]/, 1)[0]
      ?.trim() ?? '';
  return line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE).replace(/\s+\S*$/, '')}…`;
}

function documentOf(name: string, tool: Item): Document {
  const description = stringAt(tool, 'description') ?? '';
  const words = new Map<string, number>();
  let length = 0;
  const add = (text: string, weight: number): void => {
    for (const word of wordsIn(text)) {
      words.set(word, (words.get(word) ?? 0) + weight);
      length += weight;
    }
  };
  add(`${name} ${stringAt(tool, 'title') ?? ''}`, WEIGHTS.name);
  add(description, WEIGHTS.description);
  add(Object.keys(objectAt(objectAt(tool, 'inputSchema'), 'properties') ?? {}).join(' '), WEIGHTS.arguments);
  return { name, description: oneLine(description), words, length };
}

/** Words in lower case, without the commonest endings: `createIssues` is `create issue`. */
function wordsIn(text: string): string[] {
  const words = text
    .slice(0, 16_384)
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  return (words ?? []).slice(0, MAX_WORDS).map(stem);
}

function stem(word: string): string {
  if (word.length < 4) return word;
  return word.replace(/(?:ies)$/, 'y').replace(/(?<![su])s$/, '').replace(/(?<=.{3})(?:ing|ed)$/, ''); // prettier-ignore
}
