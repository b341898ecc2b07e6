import { version } from "../../version.js";

/**
 * Runs the command with its arguments (those after `goml`) and gives the exit code. All but the version is in another
 * file of the build, so that `goml --version` starts about as fast as node itself.
 */
export async function main(argv: string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  const { runProgram } = await import("./program.js");
  return runProgram(argv);
}
