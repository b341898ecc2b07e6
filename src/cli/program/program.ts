import { CommanderError } from "commander";
import { UsageError } from "../../errors.js";
import { prepareColours, prepareScreen, screen } from "../render/colour.js";
import { commandLine } from "./command-line.js";
import { startThreadsFor } from "./early.js";
import { reportFailure } from "./failure.js";
import { interruptedCode, interruption, unhurried } from "./interruption.js";
import { placeModel } from "./place-model.js";
import { endQuietlyOnBrokenPipe } from "./streams.js";
import type { Run } from "./syntax.js";

/** What people type for a command, who know it by another name. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  fit: "train",
  lm: "train",
  learn: "train",
  regress: "train",
  score: "evaluate",
  summary: "inspect",
  summarise: "inspect",
  summarize: "inspect",
  show: "inspect",
  print: "inspect",
  validate: "cv",
  "cross-validate": "cv",
  step: "select",
  etable: "table",
  modelsummary: "table",
  esttab: "table",
  combine: "merge",
  join: "merge",
  add: "update",
  remove: "forget",
  convert: "export",
  server: "serve",
  start: "serve",
  benchmark: "bench",
  draw: "graph",
  version: "--version",
};

/** Runs a command line; gives the exit code. */
export async function runProgram(argv: string[]): Promise<number> {
  endQuietlyOnBrokenPipe();
  const signal = interruption();
  try {
    await prepareColours();
    prepareScreen();
    return await runCommand(argv, signal);
  } catch (error) {
    // Whatever goes wrong in what is being ended is not news.
    if (signal.aborted && !argv.includes("--debug")) return interruptedCode(signal);
    return reportFailure(error, argv);
  }
}

/** Runs the command that is named; what it does is in its run.ts, loaded now. */
async function runCommand(argv: string[], signal: AbortSignal): Promise<number> {
  let exitCode = 0;

  const run: Run = (load, own = {}) =>
    async function () {
      if (own.unhurried) unhurried();
      const { words, options } =
        own.model === undefined
          ? { words: this.args, options: this.opts() }
          : await placeModel(own.model, this);
      screen.all = options.all === true;
      if (own.early !== undefined) startThreadsFor(own.early, words, options);
      const action = await load();
      const data = this.registeredArguments[0]?.variadic ? words : words[0];
      exitCode = await action(data as never, options as never, signal, words);
    };
  const program = commandLine(run, argv[0]);
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return commanderExit(error, argv);
    throw error;
  }
}

/** Commander ends help and version by throwing too; what is left is wrong usage. */
function commanderExit(error: CommanderError, argv: string[]): number {
  if (error.exitCode === 0) return 0;
  if (error.code === "commander.help") return 2;
  const [message, near] = error.message.replace(/^error: /, "").split("\n");
  const suggestion = near?.replace(/^\(Did you mean (.*)\?\)$/, "did you mean $1?");
  const words = argv.filter((word) => !word.startsWith("-"));
  const command = words[0] === "help" ? (words[1] ?? "help") : words[0];
  const other =
    error.code === "commander.unknownCommand" ? OTHER_NAMES[command?.toLowerCase() ?? ""] : undefined;
  const known = error.code !== "commander.unknownCommand" && command !== undefined;
  throw new UsageError(rephrased(message!), {
    hint:
      other === undefined
        ? (suggestion ?? (known ? `see goml help ${command}` : "see goml --help for the commands"))
        : `did you mean ${other}?`,
  });
}

/** Commander's sentences in the form of our messages: one sentence, no full stop, the choices at its end. */
function rephrased(message: string): string {
  return message
    .replace(
      /^command-argument value '(.*)' is invalid for argument '(.*)'\. Allowed/,
      "argument '$2', '$1' is invalid. Allowed",
    )
    .replace(/ is invalid\. Allowed choices are (.*)\.$/, " is invalid: expected one of $1")
    .replace(/ is invalid\. /, " is invalid: ")
    .replace(/\. Expected (\d+) arguments? but got (\d+)\.$/, ": expected $1, got $2");
}
