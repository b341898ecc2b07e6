import { Command } from "commander";
import { version } from "../../version.js";
import { anovaSyntax } from "../commands/anova/syntax.js";
import { benchSyntax } from "../commands/bench/syntax.js";
import { completionSyntax } from "../commands/completion/syntax.js";
import { cvSyntax } from "../commands/cv/syntax.js";
import { diagnoseSyntax } from "../commands/diagnose/syntax.js";
import { effectsSyntax } from "../commands/effects/syntax.js";
import { evaluateSyntax } from "../commands/evaluate/syntax.js";
import { exportSyntax } from "../commands/export/syntax.js";
import { forgetSyntax } from "../commands/forget/syntax.js";
import { graphSyntax } from "../commands/graph/syntax.js";
import { inspectSyntax } from "../commands/inspect/syntax.js";
import { meansSyntax } from "../commands/means/syntax.js";
import { meatSyntax } from "../commands/meat/syntax.js";
import { mergeSyntax } from "../commands/merge/syntax.js";
import { plotSyntax } from "../commands/plot/syntax.js";
import { predictSyntax } from "../commands/predict/syntax.js";
import { refitSyntax } from "../commands/refit/syntax.js";
import { reportSyntax } from "../commands/report/syntax.js";
import { selectSyntax } from "../commands/select/syntax.js";
import { serveSyntax } from "../commands/serve/syntax.js";
import { sqlSyntax } from "../commands/sql/syntax.js";
import { tableSyntax } from "../commands/table/syntax.js";
import { testSyntax } from "../commands/test/syntax.js";
import { trainSyntax } from "../commands/train/syntax.js";
import { updateSyntax } from "../commands/update/syntax.js";
import type { Run, Syntax } from "./syntax.js";

/** All commands by their names, as help groups them. */
const COMMANDS: readonly (readonly [heading: string, commands: Readonly<Record<string, Syntax>>])[] = [
  ["Fit a model:", { train: trainSyntax, refit: refitSyntax, select: selectSyntax }],
  ["Use it:", { predict: predictSyntax }],
  [
    "Look at it:",
    {
      inspect: inspectSyntax,
      report: reportSyntax,
      plot: plotSyntax,
      table: tableSyntax,
      anova: anovaSyntax,
      test: testSyntax,
      means: meansSyntax,
      effects: effectsSyntax,
      diagnose: diagnoseSyntax,
      graph: graphSyntax,
    },
  ],
  ["Measure it:", { evaluate: evaluateSyntax, cv: cvSyntax, bench: benchSyntax }],
  [
    "Combine models and rows:",
    { merge: mergeSyntax, meat: meatSyntax, update: updateSyntax, forget: forgetSyntax },
  ],
  ["Train where the rows are:", { sql: sqlSyntax }],
  ["Ship it:", { export: exportSyntax, serve: serveSyntax }],
  ["Set up the shell:", { completion: completionSyntax }],
];

/**
 * The command line: every command's options and examples are declared, because help, suggestions, completion and the
 * manual page need them all (its syntax.ts). `run` makes commander's actions.
 *
 * @param only the one command to declare where it is called by its name: all of them take 4 ms
 */
export function commandLine(run: Run, only?: string): Command {
  const one = COMMANDS.some(([, commands]) => Object.hasOwn(commands, only ?? "")) ? only : undefined;
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
  for (const [heading, commands] of COMMANDS)
    for (const [name, syntax] of Object.entries(commands)) {
      if (one !== undefined && name !== one) continue;
      program.commandsGroup(heading);
      syntax(program, run);
    }
  helpCommand(program);
  completeCommand(program);
  for (const command of [program, ...program.commands])
    command.option("--debug", "show stack traces of errors").helpOption("-h, --help", "show help");

  return program;
}

/** `goml help [command]`; commander's own answers an unknown command with the whole help. */
function helpCommand(program: Command): void {
  program
    .command("help", { hidden: true })
    .description("show help, with examples")
    .argument("[command...]", "the command to explain; of goml sql print, sql")
    .action(async ([name]: readonly string[]) => {
      const command = program.commands.find((one) => one.name() === name);
      if (name === undefined) program.outputHelp();
      else if (command !== undefined) command.outputHelp();
      // As if it were called: commander's error then names what is near.
      else await program.parseAsync([name], { from: "user" });
    });
}

/** `goml complete -- words…`, which the scripts of `goml completion` call. */
function completeCommand(program: Command): void {
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      const { complete } = await import("../commands/completion/run.js");
      await complete(program, words);
    });
}
