import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import { ambiguityIn, keysOf, misspelled } from '../ambiguity';
import { META } from '../bridge/era';
import { objectAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';

/** What lists and handshakes are read by. */
const RESULT_KEYS = keysOf('tools', 'instructions', 'serverInfo', 'cacheScope', '_meta');
const META_KEYS = keysOf(META.server);

/** The answers in the text of one message, or of a batch of them (2025-03-26). */
export class Answers {
  readonly list: readonly Partial<Message>[];
  readonly #text: string;
  readonly #isBatch: boolean;

  private constructor(text: string, value: object) {
    this.#text = text;
    this.#isBatch = Array.isArray(value);
    const all: readonly unknown[] = Array.isArray(value) ? value : [value];
    this.list = all.filter((item) => typeof item === 'object' && item !== null);
  }

  /** `undefined` for a text that is no JSON, or holds no object. */
  static in(text: string): Answers | undefined {
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === 'object' && value !== null ? new Answers(text, value) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether another reader could find something else in them: a key that is there twice, or `Tools` beside `tools`. */
  get isAmbiguous(): boolean {
    return ambiguityIn(this.#text, this.#isBatch ? this.list : this.list[0]) !== undefined || this.list.some(hasTwins);
  }

  /** Their text with other results; the same string if every one is `undefined`. */
  withResults(results: readonly (object | undefined)[]): string {
    if (results.every((result) => result === undefined)) return this.#text;
    return this.#write(this.list.map((answer, index) => (results[index] === undefined ? answer : { ...answer, result: results[index] })));
  }

  /** Another text for each. @param make returns JSON. */
  replaced(make: (answer: Partial<Message>) => string): string {
    return this.#write(this.list.map((answer) => JSON.parse(make(answer)) as object));
  }

  #write(answers: readonly object[]): string {
    return JSON.stringify(this.#isBatch ? answers : answers[0]);
  }
}

/** What is said instead of an answer that is ambiguous. */
export function twoWays(server: Server): SecretsError {
  return new SecretsError('upstreamNonsense', { server: server.name, what: 'an answer that can be read in two ways' });
}

/** Whether what an answer is read by is there in another spelling. */
function hasTwins(answer: Partial<Message>): boolean {
  const result = objectAt(answer, 'result') ?? {};
  return misspelled(result, RESULT_KEYS) !== undefined || misspelled(objectAt(result, '_meta') ?? {}, META_KEYS) !== undefined;
}
