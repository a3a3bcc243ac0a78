/** Something that is made when it is first asked for. */
export interface Lazy<T> {
  /** What was made, if it was. */
  readonly made: T | undefined;
  /** Makes it the first time. */
  get(): T;
}

/** @param make is called at most once, unless it throws. */
export function lazy<T>(make: () => T): Lazy<T> {
  let holder: { value: T } | undefined;
  return {
    get made() {
      return holder?.value;
    },
    get: () => (holder ??= { value: make() }).value,
  };
}
