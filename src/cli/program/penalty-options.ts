import { type Command, Option } from "commander";
import { UsageError } from "../../errors.js";
import type { LambdaChoice } from "../../linear/penalty/penalty.js";
import type { FitCsvOptions } from "../../training/fit-options.js";
import { bounds, lambda, mix, type NamedNumbers, namedNumbers, numbers } from "./option-values.js";

/** The options that say what a fit minimises beside squares, as commander gives them. */
export interface PenaltyFlags {
  lambda?: LambdaChoice;
  alpha?: number;
  penaltyFactors?: Record<string, number>;
  lower?: NamedNumbers;
  upper?: NamedNumbers;
  relax?: boolean;
  gamma?: number[];
}

/** Adds them to a command; `whence` says what λ may be. */
export function penalty(command: Command, whence: string): Command {
  return command
    .option("--lambda <x>", `penalise: ridge by default; ${whence}`, lambda)
    .option("--alpha <mix>", "the penalty's mix: 0 ridge, 1 lasso (default: 0)", mix)
    .option(
      "--penalty-factors <name=number>",
      "each coefficient's, term's or column's share of the penalty: 'rooms=0,lstat=2' (default: 1)",
      namedNumbers,
    )
    .addOption(
      new Option(
        "--lower <number>",
        "no slope below it, 0 or less; name=number: one slope or term",
      ).argParser(bounds),
    )
    .addOption(
      new Option(
        "--upper <number>",
        "no slope above it, 0 or more; name=number: one slope or term",
      ).argParser(bounds),
    )
    .option("--relax", "relax the fit: towards least squares on the terms that the penalty leaves")
    .option(
      "--gamma <numbers>",
      "with --relax: the share of the penalised fit, chosen among several (default: 0,0.25,0.5,0.75,1)",
      numbers,
    );
}

/** What the library calls them. */
export function penaltyOptions({
  lambda,
  alpha,
  penaltyFactors,
  lower,
  upper,
  relax,
  gamma,
}: PenaltyFlags): Pick<
  FitCsvOptions,
  "lambda" | "alpha" | "penaltyFactors" | "lower" | "lowerIn" | "upper" | "upperIn" | "relax" | "gamma"
> {
  return {
    lambda,
    alpha,
    penaltyFactors,
    lower: lower?.all,
    lowerIn: lower?.named,
    upper: upper?.all,
    upperIn: upper?.named,
    relax,
    gamma,
  };
}

/** Throws UsageError for a mix without the penalty that it is of. */
export function checkMix({ alpha, lambda }: PenaltyFlags): void {
  if (alpha !== undefined && lambda === undefined)
    throw new UsageError("--alpha is the mix of a penalty, and there is no --lambda", {
      hint: "add --lambda path, or --lambda and a number",
    });
}
