import type { WeightsKind } from "../../linear/model/document-schema.js";
import type { FitCsvOptions } from "../../training/fit-options.js";
import { list } from "./option-values.js";
import { checkMix, type PenaltyFlags, penaltyOptions } from "./penalty-options.js";
import { type ReadingFlags, readingOptions } from "./reading-options.js";

/** The options of every command that fits a model to a CSV, as commander gives them. */
export interface ModelOptions extends ReadingFlags, PenaltyFlags {
  target?: string;
  features?: string[];
  exclude?: string[];
  absorb?: string[];
  dropSingletons?: boolean;
  formula?: string;
  reference: Record<string, string>;
  contrasts: Record<string, string>;
  weights?: string;
  weightsKind?: WeightsKind;
  intercept: boolean;
  na: "omit" | "fail";
  adaptive?: number | true;
  folds?: number;
  seed: number;
  foldBy?: string;
}

/** What the library calls them. */
export function modelOptions(options: ModelOptions): FitCsvOptions {
  checkMix(options);
  const {
    target,
    features,
    exclude,
    absorb,
    dropSingletons,
    formula,
    reference,
    contrasts,
    weights,
    weightsKind,
    intercept,
  } = options;
  const { na, folds, seed, foldBy, adaptive } = options;
  return {
    ...readingOptions(options),
    ...penaltyOptions(options),
    ...namedTargets(target),
    features,
    exclude,
    absorb,
    dropSingletons,
    formula,
    references: reference,
    contrasts,
    weights,
    weightsKind,
    intercept,
    na,
    adaptive: adaptive === true ? 1 : adaptive,
    folds,
    seed,
    foldBy,
  };
}

/** The targets of a list between commas: of a column whose name has commas it is that one. */
function namedTargets(target: string | undefined): Pick<FitCsvOptions, "target" | "targets"> {
  // Quotes that do not pair are a name's own.
  const names = target?.includes(",") && /^[^"]*(?:"[^"]*"[^"]*)*$/.test(target) ? list(target) : [];
  return names.length > 1 ? { target: undefined, targets: names } : { target };
}
