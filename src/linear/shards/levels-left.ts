import type { FactorLevels } from "../../dataset/formula/coding.js";
import { variableKey } from "../../dataset/formula/column-key.js";
import { scanColumns } from "../../dataset/formula/scan-keys.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { SparseMoments } from "../../stats/sparse-moments.js";

/**
 * Which levels still have rows, and the keys of the columns that no row has any more. A level is there where a
 * column of it is not zero throughout.
 */
export function levelsLeft(
  spec: ModelSpec,
  levels: FactorLevels,
  moments: CrossProducts,
): { levels: FactorLevels; gone: Set<string> } {
  const columns = scanColumns(spec, levels);
  const met = new Map(Object.keys(levels).map((factor) => [factor, new Set<string>()]));
  for (const { key, levels: parts } of columns) {
    const i = moments.index(key);
    if (i < 0 || !moments.occurs(i)) continue;
    for (const { factor, level } of parts) met.get(factor)!.add(level);
  }
  // Absorbed factors have no columns: their levels are in the tables.
  if (moments instanceof SparseMoments)
    for (const v of spec.absorbed ?? []) {
      const { label } = spec.variables[v]!;
      const f = moments.shape.factors.indexOf(variableKey(spec.variables[v]!));
      met.set(label, new Set(moments.levelsOf(f)));
    }
  const left = Object.fromEntries(
    Object.entries(levels).map(([factor, all]) => [
      factor,
      all.filter((level) => met.get(factor)!.has(level)),
    ]),
  );
  const gone = columns.filter((column) =>
    column.levels.some(({ factor, level }) => !met.get(factor)!.has(level)),
  );
  return { levels: left, gone: new Set(gone.map(({ key }) => key)) };
}
