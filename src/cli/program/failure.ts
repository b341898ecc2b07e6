import type { GomlError } from "../../errors.js";

/**
 * Prints what went wrong on stderr, one line and a hint, and gives the exit code. The stack is shown with `--debug`
 * only; an error that goml did not foresee says so, since it is a bug.
 */
export function reportFailure(error: unknown, argv: string[]): number {
  const debug = argv.includes("--debug");
  if (isForeseen(error)) {
    if (error.exitCode === 130 && !debug) return 130;
    process.stderr.write(`goml: ${error.message}\n`);
    if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
    if (debug) process.stderr.write(`${error.stack}\n`);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`goml: internal error: ${message}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  else process.stderr.write("hint: this is a bug in goml; run again with --debug for the stack\n");
  return 1;
}

/** By what it has and not by its class: the files of the build each have their own. */
function isForeseen(error: unknown): error is GomlError {
  return error instanceof Error && "exitCode" in error && typeof error.exitCode === "number";
}
