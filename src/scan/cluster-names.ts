import type { BlockView } from "./block-view.js";

/** The values of the layout's first cluster by their names; undefined where it has none. */
export function clusterNames(view: BlockView, rows: number): ((r: number) => string | undefined) | undefined {
  if ((view.layout.clusters?.length ?? 0) === 0) return undefined;
  const { values, names } = view.cluster(0, rows);
  return (r) => {
    const value = values[r]!;
    if (names === undefined) return Number.isNaN(value) ? undefined : String(value);
    return value < 0 ? undefined : names[value];
  };
}
