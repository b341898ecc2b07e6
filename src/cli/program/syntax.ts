import { type Command, Option } from "commander";
import type { EarlyThreads } from "./early.js";
import {
  adaptivePower,
  character,
  cvKind,
  integer,
  list,
  natural,
  positive,
  reference,
  share,
} from "./option-values.js";
import { penalty } from "./penalty-options.js";
import type { ModelUse } from "./place-model.js";

/**
 * What a command does, loaded when it runs; gives the exit code. Its argument is the text given, several where the
 * command takes several of a kind; `all` are all arguments.
 */
type Action = (
  argument: never,
  options: never,
  signal: AbortSignal,
  all: readonly string[],
) => Promise<number>;

/**
 * Makes commander's action of a function that loads ours; one that is `unhurried` ends by itself after a signal, however
 * long it takes.
 */
export type Run = (
  load: () => Promise<Action>,
  own?: { unhurried?: boolean; model?: ModelUse; early?: EarlyThreads },
) => (this: Command, ...args: unknown[]) => Promise<void>;

/** Adds one command to the program. */
export type Syntax = (program: Command, run: Run) => void;

/** The options of every command that reads a CSV. */
export function reading(command: Command): Command {
  return command
    .option("--delimiter <character>", "the delimiter (default: found out)")
    .option("--no-header", "the first line is data; columns are named V1, V2, …")
    .option("--skip-rows <n>", "lines to pass over before the header", natural)
    .option("--comment <sign>", "the character that begins a comment, such as #", character)
    .option("--encoding <name>", "the text's encoding: latin1, windows-1252, utf-16 (default: utf-8)")
    .addOption(new Option("--decimal <sign>", "before a number's fraction (default: .)").choices([".", ","]))
    .option("--thousands <sign>", "between groups of digits: , . ' or a space")
    .option("--strip <texts>", "take these off numbers: %, $, EUR", list)
    .option(
      "--na-values <texts>",
      "these mean a missing value too; column=text: in one column; column=: NA is a value there",
      list,
    )
    .option("--text <columns>", "take these columns as text", list)
    .option("--where <condition>", "only rows for which this holds: 'age >= 18 & region != \"N\"'")
    .option("--id <column>", "the column that names rows")
    .option(
      "--table <name>",
      "of a database (duckdb:file.db, sqlite:file.db, postgres://…, clickhouse://…): the table (default: the only one)",
    )
    .option("--sql <query>", "of a database: the query whose rows to read");
}

/** The options that say which model is to be fitted to a CSV. */
export function fitting(command: Command, target = "the column to predict (default: the last)"): Command {
  const fitted = command
    .option("-t, --target <column>", target)
    .option("-f, --features <columns>", "only these columns as features", list)
    .option("-x, --exclude <columns>", "all columns but these", list)
    .option(
      "--absorb <columns>",
      "absorb the effects of these columns' levels: no coefficients of theirs",
      list,
    )
    .option("--drop-singletons", "with --absorb: leave out rows of which a level has no other row")
    .option("--formula <formula>", "the model in R's formula language: 'y ~ x + log(z) + C(g)'")
    .addOption(
      new Option("--reference <column=level>", "a factor's reference level")
        .argParser(reference)
        .default({}, "its first"),
    )
    .addOption(
      new Option("--contrasts <column=kind>", "code a factor by sum, helmert, poly, SAS, treatment")
        .argParser(reference)
        .default({}, "treatment"),
    )
    .option("--weights <column>", "weight rows by this column")
    .addOption(
      new Option(
        "--weights-kind <kind>",
        "what weights say, as Stata has it: rows each stands for, errors' variances, sampling (default: as R's lm)",
      ).choices(["analytic", "frequency", "probability"]),
    )
    .option("--no-intercept", "fit through the origin")
    .addOption(
      new Option("--na <policy>", "rows with missing cells").choices(["omit", "fail"]).default("omit"),
    );
  return penalty(
    fitted,
    "path: λ of the least cross-validated error; 1se: the largest within its standard error",
  )
    .option(
      "--adaptive [power]",
      "with --lambda: an adaptive lasso, factors 1/|least squares' slope of a standard deviation| to this power (1)",
      adaptivePower,
    )
    .option("--folds <n>", "cross-validation folds, 1 for none (default: 10)", positive)
    .option("--seed <n>", "seed of the split and the folds", integer, 1)
    .option(
      "--fold-by <column>",
      "split and fold rows by the whole numbers of this column: rows of one number stay together",
    );
}

/** The folds of commands that cross-validate rows. */
export function cvKinds(command: Command): Command {
  return command.option(
    "--cv <kind>",
    "folds of another kind: loo; group:COLUMN; time:COLUMN (only the past predicts); repeated:10x3",
    cvKind,
  );
}

/** The options of every command that makes a model of others. */
export function derived(command: Command, where = "where to write the model (default: nowhere)"): Command {
  return command
    .option("-o, --output <file>", where)
    .option("-m, --model <file>", "the model to read; behind one that is named, the same as --output")
    .option("--level <p>", "level of the confidence intervals", share, 0.95)
    .addOption(whole())
    .option("--json", "print one JSON document")
    .addOption(trust())
    .option("-q, --quiet", "print nothing but errors");
}

/** What a penalised fit minimises, for help. */
export function objective(command: Command): Command {
  return command.addHelpText(
    "after",
    `
With --lambda, β minimises
  1/(2W) Σ w (y − β₀ − xᵀβ)² + λ [ (1 − α)/2 ‖Dβ‖²/s + α ‖Dβ‖₁ ],
W the sum of the weights (n without), D the columns' standard deviations, s that of y, α the mix: 0 is ridge, 1 the
lasso. The intercept is not penalised. This is glmnet's objective with standardize = TRUE. --penalty-factors, scaled to
sum to the number of columns, are shares of λ; with --lower and --upper β stays within bounds, without --lambda too; with
--relax the fit is γ of that and 1 − γ of the least squares over the columns whose β are not 0.`,
  );
}

/** What becomes of a factor's levels that the model does not know. */
export function unseen(): Option {
  return new Option("--unseen <policy>", "rows with levels that the training data did not have")
    .choices(["fail", "na"])
    .default("fail");
}

/** Whether long lists are whole. */
export function whole(): Option {
  return new Option("--all", "print long lists whole: terms, levels, groups, folds, steps");
}

/** Whether a model file is read whatever has become of it. */
export function trust(): Option {
  return new Option("--trust", "read a model file that has been changed since goml wrote it all the same");
}

/** The examples at the end of a command's help, one per line. */
export function example(command: Command, ...lines: string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`);
}
