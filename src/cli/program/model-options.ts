import { UsageError } from "../../errors.js";
import type { FitCsvOptions } from "../../training/fit-options.js";
import { type ReadingFlags, readingOptions } from "./reading-options.js";

/** The options of every command that fits a model to a CSV, as commander gives them. */
export interface ModelOptions extends ReadingFlags {
  target?: string;
  features?: string[];
  exclude?: string[];
  absorb?: string[];
  dropSingletons?: boolean;
  formula?: string;
  reference: Record<string, string>;
  weights?: string;
  intercept: boolean;
  na: "omit" | "fail";
  lambda?: FitCsvOptions["lambda"];
  alpha?: number;
  folds?: number;
  seed: number;
}

/** What the library calls them. */
export function modelOptions(options: ModelOptions): FitCsvOptions {
  if (options.alpha !== undefined && options.lambda === undefined)
    throw new UsageError("--alpha is the mix of a penalty, and there is no --lambda", {
      hint: "add --lambda path, or --lambda and a number",
    });
  const { target, features, exclude, absorb, dropSingletons, formula, reference, weights, intercept } =
    options;
  const { na, lambda, alpha, folds, seed } = options;
  return {
    ...readingOptions(options),
    target,
    features,
    exclude,
    absorb,
    dropSingletons,
    formula,
    references: reference,
    weights,
    intercept,
    na,
    lambda,
    alpha,
    folds,
    seed,
  };
}
