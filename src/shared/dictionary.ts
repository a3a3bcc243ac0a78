/**
 * An empty object for keys that are not known beforehand, such as names of headers. It inherits nothing, so `__proto__` and
 * `constructor` are keys like others; and it is a hash table from the start, where V8 would make a new hidden class for each new key, and
 * compile again whatever gets the object.
 */
export function dictionary<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}
