import type { CodedTerm, FactorLevels } from "../../dataset/formula/coding.js";
import { levelKey } from "../../dataset/formula/column-key.js";
import { completeSpec, type ModelSpec } from "../../dataset/formula/spec.js";
import { ModelError } from "../../errors.js";
import { SparseMoments } from "../../stats/sparse-moments.js";
import type { AbsorbedEffects } from "../solve/solution.js";
import { cellsOfLevels, ownEffects } from "./effects-of-model.js";

/** The effects of a factor's levels. */
export interface FactorEffects {
  /** The factor's label. */
  factor: string;
  /** Its levels in order, and the effect of each; NaN for one of which all rows have weight 0. */
  levels: readonly string[];
  effects: Float64Array;
}

/** What the effects of a model follow from; `LinearModel` has it. */
export type ModelOfEffects = Parameters<typeof ownEffects>[0];

/** The effects of all absorbed factors, from the moments. */
export function factorEffects(model: ModelOfEffects): FactorEffects[] {
  const { spec, levels } = model;
  if (spec.absorbed === undefined) return [];
  const found = ownEffects(model);
  return cellsOfLevels(model).map((cells, i) => {
    const { label } = spec.variables[spec.absorbed![i]!]!;
    const effects = Float64Array.from(cells, (cell) => (cell < 0 ? Number.NaN : found[i]![cell]!));
    return { factor: label, levels: levels[label]!, effects };
  });
}

/**
 * A remark where levels of absorbed factors fall into groups that no rows connect: what the effects of one group are to
 * those of another is then not known (Abowd, Creecy & Kramarz 2002).
 */
export function unconnectedNotes({
  spec,
  moments,
  absorbed,
}: Pick<ModelOfEffects, "spec" | "moments"> & { readonly absorbed: AbsorbedEffects | undefined }): string[] {
  if (absorbed === undefined || spec.absorbed!.length < 2 || !(moments instanceof SparseMoments)) return [];
  // Levels without rows of positive weight have no effect.
  const { families, absorbed: hidden = [] } = moments.shape;
  const known = hidden.reduce((sum, family) => {
    const table = moments.tables[families[family]!.table]!;
    for (let cell = 0; cell < table.count; cell++) if (table.rows(cell) > 0) sum++;
    return sum;
  }, 0);
  const free = known - absorbed.rank - (hidden.length - 1);
  if (free <= 0) return [];
  const names = spec.absorbed!.map((v) => spec.variables[v]!.label).join(" and ");
  return [
    `the rows do not connect all levels of ${names}: there is no prediction for a row of levels that no rows connect`,
  ];
}

/** A model with its effects for other programs: absorbed factors as terms with a column for every level. */
export function withEffects(
  model: ModelOfEffects & {
    readonly codedTerms: readonly CodedTerm[];
    readonly weights: Float64Array;
    readonly effects: readonly FactorEffects[];
  },
): { spec: ModelSpec; terms: readonly CodedTerm[]; levels: FactorLevels; weights: Float64Array } {
  const { spec, codedTerms, levels, weights } = model;
  const { absorbed, ...rest } = spec;
  if (absorbed === undefined) return { spec, terms: codedTerms, levels, weights };
  const labels = absorbed.map((v) => spec.variables[v]!.label);
  const more = absorbed.map((v, i) => ({ label: labels[i]!, variables: [v] }));
  // A level of which all rows have weight 0 is as one that was not seen.
  const known = model.effects.map((own) =>
    own.levels.flatMap((level, i) =>
      Number.isNaN(own.effects[i]) ? [] : [{ level, effect: own.effects[i]! }],
    ),
  );
  const terms: CodedTerm[] = more.map(({ label, variables }, i) => ({
    label,
    variables,
    full: [true],
    columns: known[i]!.map(({ level }) => ({
      name: `${label}${level}`,
      key: levelKey(spec.variables[absorbed[i]!]!, level),
      parts: [level],
    })),
  }));
  return {
    spec: completeSpec({ ...rest, terms: [...spec.terms, ...more] }),
    terms: [...codedTerms, ...terms],
    levels: {
      ...levels,
      ...Object.fromEntries(known.map((own, i) => [labels[i], own.map(({ level }) => level)])),
    },
    weights: Float64Array.from([...weights, ...known.flatMap((own) => own.map(({ effect }) => effect))]),
  };
}

/** Throws ModelError where a model has absorbed effects, with which something cannot be had. */
export function refuseAbsorbed({ absorbed }: { readonly absorbed?: unknown }, what: string): void {
  if (absorbed !== undefined)
    throw new ModelError(`${what} are not to be had of a model with absorbed effects`, {
      hint: "fit the factors as terms",
    });
}
