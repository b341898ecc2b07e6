import { Command, CommanderError } from "commander";
import { UsageError } from "../../errors.js";
import { version } from "../../version.js";
import { anovaSyntax } from "../commands/anova/syntax.js";
import { benchSyntax } from "../commands/bench/syntax.js";
import { cvSyntax } from "../commands/cv/syntax.js";
import { diagnoseSyntax } from "../commands/diagnose/syntax.js";
import { evaluateSyntax } from "../commands/evaluate/syntax.js";
import { exportSyntax } from "../commands/export/syntax.js";
import { forgetSyntax } from "../commands/forget/syntax.js";
import { graphSyntax } from "../commands/graph/syntax.js";
import { inspectSyntax } from "../commands/inspect/syntax.js";
import { mergeSyntax } from "../commands/merge/syntax.js";
import { predictSyntax } from "../commands/predict/syntax.js";
import { refitSyntax } from "../commands/refit/syntax.js";
import { selectSyntax } from "../commands/select/syntax.js";
import { serveSyntax } from "../commands/serve/syntax.js";
import { testSyntax } from "../commands/test/syntax.js";
import { trainSyntax } from "../commands/train/syntax.js";
import { updateSyntax } from "../commands/update/syntax.js";
import { reportFailure } from "./failure.js";
import { interruptedCode, interruption, unhurried } from "./interruption.js";
import { endQuietlyOnBrokenPipe } from "./streams.js";
import type { Run, Syntax } from "./syntax.js";

/** All commands, as help groups them. */
const COMMANDS: readonly (readonly [heading: string, commands: readonly Syntax[]])[] = [
  ["Fit a model:", [trainSyntax, refitSyntax, selectSyntax]],
  ["Use it:", [predictSyntax]],
  ["Look at it:", [inspectSyntax, anovaSyntax, testSyntax, diagnoseSyntax, graphSyntax]],
  ["Measure it:", [evaluateSyntax, cvSyntax, benchSyntax]],
  ["Combine models and rows:", [mergeSyntax, updateSyntax, forgetSyntax]],
  ["Ship it:", [exportSyntax, serveSyntax]],
];

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
    return await runCommand(argv, signal);
  } catch (error) {
    // Whatever goes wrong in what is being ended is not news.
    if (signal.aborted && !argv.includes("--debug")) return interruptedCode(signal);
    return reportFailure(error, argv);
  }
}

/**
 * Builds the command line and runs it.
 *
 * Every command's options and examples are declared, because help and suggestions need them all (its syntax.ts);
 * what a command does is in its run.ts, loaded when it runs.
 */
async function runCommand(argv: string[], signal: AbortSignal): Promise<number> {
  let exitCode = 0;

  const program = new Command("goml")
    .description("Linear regression for the terminal, CI and Node services.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .exitOverride()
    .usage("<command> [options]")
    .configureHelp({ minWidthToWrap: 20, subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError: () => {} })
    .addHelpText("after", "\nRun goml help <command> for a command's options and examples.");
  const run: Run = (load, own = {}) =>
    async function (...args) {
      if (own.unhurried) unhurried();
      const action = await load();
      const data = typeof args[0] === "string" || Array.isArray(args[0]) ? args[0] : undefined;
      exitCode = await action(data as never, this.opts() as never, signal, this.args);
    };
  for (const [heading, commands] of COMMANDS)
    for (const syntax of commands) {
      program.commandsGroup(heading);
      syntax(program, run);
    }
  helpCommand(program);
  for (const command of [program, ...program.commands])
    command.option("--debug", "show stack traces of errors").helpOption("-h, --help", "show help");

  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return commanderExit(error, argv);
    throw error;
  }
}

/** `goml help [command]`; commander's own answers an unknown command with the whole help. */
function helpCommand(program: Command): void {
  program
    .command("help", { hidden: true })
    .description("show help, with examples")
    .argument("[command]", "the command to explain")
    .action(async (name: string | undefined) => {
      const command = program.commands.find((one) => one.name() === name);
      if (name === undefined) program.outputHelp();
      else if (command !== undefined) command.outputHelp();
      // As if it were called: commander's error then names what is near.
      else await program.parseAsync([name], { from: "user" });
    });
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
    .replace(/ is invalid\. Allowed choices are (.*)\.$/, " is invalid: expected one of $1")
    .replace(/ is invalid\. /, " is invalid: ")
    .replace(/\. Expected (\d+) arguments? but got (\d+)\.$/, ": expected $1, got $2");
}
