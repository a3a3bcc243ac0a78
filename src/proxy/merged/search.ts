import { sortedInSteps } from '../../shared/sortedInSteps';
import type { Steps } from '../../shared/steps';
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
const MAX_WORDS = 500;
/** Words of a query that are looked for: agents choose how many there are. */
const MAX_WANTED = 32;
/** Mentions of longer words that are counted for one word of a query: servers choose how many words begin alike. */
const MAX_LONGER = 20_000;

interface Document extends Found {
  /** How much each word counts in it. */
  readonly words: ReadonlyMap<string, number>;
  readonly length: number;
}

/** A word in a document, by the number of that. */
interface Mention {
  readonly document: number;
  readonly count: number;
}

/** Finds tools by words: BM25 over names, descriptions and arguments. */
export class ToolSearch {
  readonly #documents: readonly Document[];
  readonly #mentions: ReadonlyMap<string, readonly Mention[]>;
  /** All words in order, in which those that begin alike stand together. */
  readonly #words: readonly string[];
  readonly #average: number;

  private constructor(documents: readonly Document[], mentions: ReadonlyMap<string, readonly Mention[]>, words: readonly string[]) {
    this.#documents = documents;
    this.#mentions = mentions;
    this.#words = words;
    this.#average = documents.reduce((sum, { length }) => sum + length, 0) / Math.max(1, documents.length);
  }

  /** Makes one, in steps: servers choose how much there is to read. @param tools by the names under which they are offered. */
  static *over(tools: Iterable<readonly [name: string, tool: Item]>): Steps<ToolSearch> {
    const documents: Document[] = [];
    const mentions = new Map<string, Mention[]>();
    for (const [name, tool] of tools) {
      const document = documentOf(name, tool);
      for (const [word, count] of document.words) noteIn(mentions, word, { document: documents.length, count });
      documents.push(document);
      yield;
    }
    return new ToolSearch(documents, mentions, yield* sortedInSteps([...mentions.keys()]));
  }

  /**
   * The tools that have a word of the query, the best first; those of equal rank by name. A query without words finds all, by
   * name; of one with very many the first count.
   */
  find(query: string, limit: number): Found[] {
    const wanted = [...new Set(wordsIn(query))].slice(0, MAX_WANTED);
    const scores = new Float64Array(this.#documents.length);
    for (const word of wanted) this.#score(word, scores);
    const ranked = this.#documents
      .map((document, index) => ({ document, score: scores[index] ?? 0 }))
      .filter(({ score }) => score > 0 || wanted.length === 0)
      .sort((a, b) => b.score - a.score || (a.document.name < b.document.name ? -1 : 1));
    return ranked.slice(0, limit).map(({ document: { name, description } }) => ({ name, description }));
  }

  /** Adds what a word of the query counts in each document. Longer words count where there is not the word itself. */
  #score(word: string, scores: Float64Array): void {
    const exact = new Set<number>();
    const add = (mentions: readonly Mention[], weight: number): void => {
      const rarity = weight * this.#rarityOf(mentions);
      for (const { document, count } of mentions)
        if (weight === 1 || !exact.has(document)) scores[document] = (scores[document] ?? 0) + rarity * this.#share(document, count);
    };
    const mentions = this.#mentions.get(word) ?? [];
    add(mentions, 1);
    if (word.length <= 2) return;
    for (const { document } of mentions) exact.add(document);
    let left = MAX_LONGER;
    for (const longer of this.#longerThan(word)) {
      const those = (this.#mentions.get(longer) ?? []).slice(0, left);
      add(those, PREFIX);
      left -= those.length;
      if (left === 0) return;
    }
  }

  /** The words that begin with this one, without it. */
  *#longerThan(word: string): Generator<string> {
    let low = 0;
    let high = this.#words.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#words[middle] ?? '') <= word) low = middle + 1;
      else high = middle;
    }
    for (let at = low; this.#words[at]?.startsWith(word) === true; at += 1) yield this.#words[at] ?? '';
  }

  #rarityOf({ length: spread }: readonly Mention[]): number {
    return Math.log(1 + (this.#documents.length - spread + 0.5) / (spread + 0.5));
  }

  #share(document: number, count: number): number {
    const length = this.#documents[document]?.length ?? 0;
    return (count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / this.#average));
  }
}

function noteIn(mentions: Map<string, Mention[]>, word: string, mention: Mention): void {
  const known = mentions.get(word);
  if (known === undefined) mentions.set(word, [mention]);
  else known.push(mention);
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
