/** The members of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** An object without some of its members. */
export function without(fields: Fields, ...names: readonly string[]): Fields {
  const rest: Record<string, unknown> = { ...fields };
  for (const name of names) Reflect.deleteProperty(rest, name);
  return rest;
}
