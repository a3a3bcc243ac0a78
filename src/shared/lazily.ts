/**
 * Calls `make` when its result is first asked for, and remembers it. If `make` throws, the next call tries again. For schemas above
 * all: making them takes longer than most of what happens at the start, and few of them are needed there.
 */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
