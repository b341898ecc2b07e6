import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../errors.js";
import { version } from "../version.js";

/** A command's action, loaded when the command runs. */
type Action = (argument: string | undefined, options: never, signal: AbortSignal) => Promise<number>;

const bin = "goml";

/**
 * Builds the command line and runs it; gives the exit code.
 *
 * Options and examples stand here, together, because `--help` and the suggestions need them all; what a command
 * does is in the file of its name.
 */
export async function runProgram(argv: string[]): Promise<number> {
  let exitCode = 0;
  const controller = new AbortController();
  const onInterrupt = () => controller.abort();
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);

  const program = new Command(bin)
    .description("Linear regression for the terminal, CI and Node services.")
    .version(version, "-V, --version", "print the version")
    .helpCommand("help [command]", "show help, with examples")
    .option("--debug", "show stack traces of errors")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText("after", "\nRun goml help <command> for a command's options and examples.");

  const run = (load: () => Promise<Action>) =>
    async function (this: Command, ...args: unknown[]) {
      const action = await load();
      const data = typeof args[0] === "string" ? args[0] : undefined;
      exitCode = await action(data, this.opts() as never, controller.signal);
    };

  reading(
    example(
      program
        .command("train")
        .description("fit a linear model to a CSV, print its summary, write model.json")
        .argument("<data.csv>", "the file; - is standard input; gzip is recognised"),
      "goml train data.csv",
      "goml train data.csv -t price -x id,name -m price.json",
      "goml train data.csv --test-size 0.2 --seed 1 --json",
    ),
  )
    .option("-t, --target <column>", "the column to predict (default: the last)")
    .option("-f, --features <columns>", "only these columns as features", list)
    .option("-x, --exclude <columns>", "all columns but these", list)
    .option("--no-intercept", "fit through the origin")
    .addOption(
      new Option("--na <policy>", "rows with missing cells").choices(["omit", "fail"]).default("omit"),
    )
    .option("--test-size <share>", "hold out this share of the rows and report the error on them", share)
    .option("--seed <n>", "seed of the split", integer, 1)
    .addOption(
      new Option("--solver <name>", "how θ is found")
        .choices(["auto", "normal", "extended", "qr"])
        .default("auto"),
    )
    .option("--level <p>", "level of the confidence intervals", share, 0.95)
    .option("--strict", "fail (exit 4) when a term depends linearly on others")
    .option("-m, --model <file>", "where to write the model", "model.json")
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .option("--json", "print one JSON document")
    .option("-q, --quiet", "print nothing but errors")
    .action(run(async () => (await import("./train.js")).train));

  reading(
    example(
      program
        .command("predict")
        .description("predict with a model, CSV to CSV")
        .argument(
          "[data.csv]",
          "the file; - is standard input (default: standard input, else the training file)",
        ),
      "goml predict --concurrent",
      "goml predict new.csv -m model.json --append -o predicted.csv",
      "cat new.csv | goml predict > predicted.csv",
    ),
  )
    .option("-m, --model <file>", "the model", "model.json")
    .option("-o, --output <file>", "where to write (default: standard output)")
    .option(
      "-c, --concurrent [threads]",
      "split the work over worker threads; auto: where it pays",
      concurrency,
    )
    .option("--append", "keep the input's columns")
    .option("--json", "print the metrics and timing as JSON on standard error")
    .option("-q, --quiet", "print no metrics or timing")
    .action(run(async () => (await import("./predict.js")).predict));

  reading(
    example(
      program
        .command("evaluate")
        .description("measure a model's error on other data; gates for CI")
        .argument("<data.csv>", "the file; - is standard input"),
      "goml evaluate test.csv",
      "goml evaluate test.csv --max-rmse 5 --min-r2 0.7",
    ),
  )
    .option("-m, --model <file>", "the model", "model.json")
    .option("--max-rmse <x>", "exit 5 when the RMSE is larger", number)
    .option("--max-mse <x>", "exit 5 when the MSE is larger", number)
    .option("--min-r2 <x>", "exit 5 when R² is smaller", number)
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .option("--json", "print one JSON document")
    .option("-q, --quiet", "print nothing but errors")
    .action(run(async () => (await import("./evaluate.js")).evaluate));

  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return commanderExit(error);
    throw error;
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

/** The options of every command that reads a CSV. */
function reading(command: Command): Command {
  return command
    .option("--delimiter <character>", "the delimiter (default: found out)")
    .option("--no-header", "the first line is data; columns are named x1, x2, …")
    .option("--debug", "show stack traces of errors");
}

function example(command: Command, ...lines: string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`);
}

/** Commander ends help and version by throwing too; what is left is wrong usage. */
function commanderExit(error: CommanderError): number {
  if (error.exitCode === 0) return 0;
  if (error.code === "commander.help") return 2;
  const [message, ...hints] = error.message.replace(/^error: /, "").split("\n");
  const hint = hints.join(" ").replace(/[()]/g, "").trim();
  throw new UsageError(message!, { hint: hint === "" ? "goml --help lists commands and options" : hint });
}

function list(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("expected a number");
  return value;
}

function integer(text: string): number {
  const value = number(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("expected an integer");
  return value;
}

function positive(text: string): number {
  const value = integer(text);
  if (value < 1) throw new InvalidArgumentError("expected an integer of 1 or more");
  return value;
}

function share(text: string): number {
  const value = number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("expected a number between 0 and 1");
  return value;
}

function concurrency(text: string): number | "auto" {
  return text === "auto" ? "auto" : positive(text);
}
