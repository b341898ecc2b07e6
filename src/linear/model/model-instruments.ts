import { codedTerms, type FactorLevels } from "../../dataset/formula/coding.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import type { Instruments, Regression } from "../solve/regression.js";
import type { ModelInstruments } from "./document-schema.js";
import { regressionOf } from "./model-parts.js";

export type { ModelInstruments };

/** The regression of a model; with instruments, that of its equation, whose spec is `structuralSpec` of theirs. */
export function instrumentedRegression(
  spec: ModelSpec,
  levels: FactorLevels,
  references: Readonly<Record<string, string>>,
  instruments: ModelInstruments | undefined,
): Regression {
  const own = regressionOf(spec, codedTerms(spec, levels, references));
  if (instruments === undefined) return own;
  return { ...own, instruments: instrumentColumns(instruments, levels, references) };
}

/** The columns of a model's instruments. Terms that are only instruments come last, so that the others are the equation's own. */
export function instrumentColumns(
  { spec, estimator, fuller }: ModelInstruments,
  levels: FactorLevels,
  references: Readonly<Record<string, string>>,
): Instruments {
  const coded = codedTerms(spec, levels, references);
  const { terms, computed = new Set<number>() } = regressionOf(spec, coded);
  const { endogenous, excluded } = spec.instruments!;
  const columns = coded.flatMap((term, t) => term.columns.map(() => t));
  const among = (list: readonly number[]) => columns.flatMap((t, j) => (list.includes(t) ? [j] : []));
  const only = among(excluded);
  const made = new Set(only.flatMap((j, i) => (computed.has(j) ? [i] : [])));
  return {
    endogenous: among(endogenous),
    excluded: only.map((j) => terms[j]!),
    ...(made.size === 0 ? {} : { computed: made }),
    estimator,
    ...(fuller === undefined ? {} : { fuller }),
  };
}
