/** One that is there, between its neighbours. */
interface Place<T> {
  readonly item: T;
  before: Place<T> | undefined;
  after: Place<T> | undefined;
  isGone: boolean;
}

/**
 * Who is there now, in the order in which they came: for what comes and goes with every call. Not a `Set`, for that leaves tables behind as
 * it is tidied up, each of which points to the next: once a full collection of garbage has made one of them old, V8 keeps all later ones,
 * and whatever was in them, until the next full one. Coming and going take the same time however many there are.
 */
export class Roster<T> implements Iterable<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;

  /** Whether nobody is there. */
  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Adds one. Returns the means to take it out again; used twice it does nothing. */
  add(item: T): () => void {
    const place: Place<T> = { item, before: this.#last, after: undefined, isGone: false };
    if (this.#last === undefined) this.#first = place;
    else this.#last.after = place;
    this.#last = place;
    return () => {
      this.#remove(place);
    };
  }

  /** Those that are there at the beginning, without those that leave meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    const places: Place<T>[] = [];
    for (let place = this.#first; place !== undefined; place = place.after) places.push(place);
    for (const place of places) if (!place.isGone) yield place.item;
  }

  #remove(place: Place<T>): void {
    if (place.isGone) return;
    place.isGone = true;
    const { before, after } = place;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // What is gone and old must not keep what is young.
    place.before = undefined;
    place.after = undefined;
  }
}
