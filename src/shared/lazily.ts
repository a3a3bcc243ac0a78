/** Something that is made when it is first asked for. */
export interface Lazy<T> {
  /** What was made, if it was. */
  readonly made: T | undefined;
  /** Makes it the first time. */
  readonly get: () => T;
}

/** @param make is called at most once, unless it throws. */
export function lazy<T>(make: () => T): Lazy<T> {
  let holder: { readonly value: T } | undefined;
  return {
    get made() {
      return holder?.value;
    },
    get: () => (holder ??= { value: make() }).value,
  };
}

/**
 * As `lazy`, for who never asks whether it was made. For schemas above all: making them takes longer than most of what happens at
 * the start, and few of them are needed there.
 */
export function lazily<T>(make: () => T): () => T {
  return lazy(make).get;
}
