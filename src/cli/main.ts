import { version } from "../version.js";
import { reportFailure } from "./failure.js";
import { endQuietlyOnBrokenPipe } from "./streams.js";

/**
 * Runs the command with its arguments (those after `goml`) and gives the exit code. Everything that a command needs
 * is loaded when that command runs, so that `goml --version` starts about as fast as node itself.
 */
export async function main(argv: string[]): Promise<number> {
  endQuietlyOnBrokenPipe();
  try {
    if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
      process.stdout.write(`${version}\n`);
      return 0;
    }
    const { runProgram } = await import("./program.js");
    return await runProgram(argv);
  } catch (error) {
    return reportFailure(error, argv);
  }
}
