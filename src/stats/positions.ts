const known = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

/**
 * Where each name lies in a list of unique names that does not change any more. Found once for a list, however often
 * it is asked for: clones, folds and groups share their columns' list.
 */
export function positions(names: readonly string[]): ReadonlyMap<string, number> {
  let found = known.get(names);
  if (found === undefined) {
    found = new Map(names.map((name, i) => [name, i]));
    known.set(names, found);
  }
  return found;
}
