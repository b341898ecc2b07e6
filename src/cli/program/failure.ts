import type { GomlError } from "../../errors.js";
import { printError } from "../render/print.js";
import { exhaustionOf } from "./exhaustion.js";
import { EXIT_CODES } from "./exit-codes.js";
import { commandText } from "./spelling.js";

/**
 * Prints what went wrong on stderr, one line and a hint, and gives the exit code. The stack is shown with `--debug`
 * only; an error that goml did not foresee says so, since it is a bug.
 */
export function reportFailure(error: unknown, argv: string[]): number {
  const debug = argv.includes("--debug");
  // What the process has no more of is no bug, wherever it shows.
  const exhausted = isForeseen(error) && error.kind !== "internal" ? undefined : exhaustionOf(error);
  if (exhausted !== undefined) {
    printError(`goml: ${exhausted.message}\nhint: ${exhausted.hint}\n`);
    if (debug && error instanceof Error) printError(`${error.stack}\n`);
    return exhausted.code;
  }
  if (isForeseen(error)) {
    const code = EXIT_CODES[error.kind];
    if (error.kind === "interrupted" && !debug) return code;
    const { message, hint } = error.words;
    printError(`goml: ${commandText(message)}\n`);
    if (hint !== undefined) printError(`hint: ${commandText(hint)}\n`);
    if (debug) printError(`${error.stack}\n`);
    return code;
  }
  const message = error instanceof Error ? error.message : String(error);
  printError(`goml: internal error: ${message}\n`);
  if (debug && error instanceof Error) printError(`${error.stack}\n`);
  else printError("hint: this is a bug in goml; run again with --debug for the stack\n");
  return 1;
}

/** By what it has and not by its class: the files of the build each have their own. */
export function isForeseen(error: unknown): error is GomlError {
  return error instanceof Error && "words" in error && "kind" in error;
}
