import { type Command, Option } from "commander";

/**
 * What a command does, loaded when it runs; gives the exit code. Its argument is the text given, several where the
 * command takes several.
 */
type Action = (argument: never, options: never, signal: AbortSignal) => Promise<number>;

/** Makes commander's action of a function that loads ours. */
export type Run = (load: () => Promise<Action>) => (this: Command, ...args: unknown[]) => Promise<void>;

/** Adds one command to the program. */
export type Syntax = (program: Command, run: Run) => void;

/** The options of every command that reads a CSV. */
export function reading(command: Command): Command {
  return command
    .option("--delimiter <character>", "the delimiter (default: found out)")
    .option("--no-header", "the first line is data; columns are named V1, V2, …");
}

/** What becomes of a factor's levels that the model does not know. */
export function unseen(): Option {
  return new Option("--unseen <policy>", "rows with levels that the training data did not have")
    .choices(["fail", "na"])
    .default("fail");
}

/** The examples at the end of a command's help, one per line. */
export function example(command: Command, ...lines: string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`);
}
