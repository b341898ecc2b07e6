import type { FactorLevels } from "../../dataset/formula/coding.js";
import { scanColumns } from "../../dataset/formula/scan-keys.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import type { ExtendedMoments } from "../../stats/extended-moments.js";
import type { Moments } from "../../stats/moments.js";
import { packedIndex } from "../../stats/packed.js";

/**
 * Which levels still have rows, and the keys of the columns that no row has any more. A level is there where a
 * column of it is not zero throughout.
 */
export function levelsLeft(
  spec: ModelSpec,
  levels: FactorLevels,
  moments: Moments | ExtendedMoments,
): { levels: FactorLevels; gone: Set<string> } {
  const at = new Map(moments.columns.map((key, i) => [key, i]));
  const columns = scanColumns(spec, levels);
  const met = new Map(Object.keys(levels).map((factor) => [factor, new Set<string>()]));
  for (const { key, levels: parts } of columns) {
    const i = at.get(key);
    if (i === undefined || (moments.mean[i] === 0 && moments.c[packedIndex(i, i)] === 0)) continue;
    for (const { factor, level } of parts) met.get(factor)!.add(level);
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
